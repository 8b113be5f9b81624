#include <omp.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <vector>

#include "engine/base/error.h"
#include "engine/dist/group.h"

namespace engine {
namespace {

struct Shared {
  sem_t begin[Group::kMostParts], done[Group::kMostParts];
  std::byte order[Group::kOrderBytes];
  size_t order_bytes;
  Group::Result results[Group::kMostParts];
};

class Forked final : public Group {
 public:
  Forked(int count, int parts, const ParameterStore::Block& block, Compute compute,
         const std::function<void()>& begin);
  ~Forked() override;

  int size() const override { return count_; }
  std::span<const Result> run(Order order) override;

 private:
  void work(int number);
  [[noreturn]] void serve(int number);
  void wait_for(int number);

  int count_, parts_;
  ParameterStore::Block block_;
  Compute compute_;
  Shared* shared_ = nullptr;
  Scalar* values_ = nullptr;     // (size)
  Scalar* gradients_ = nullptr;  // (parts, size)
  int64_t stride_ = 0;
  size_t bytes_ = 0;
  std::vector<pid_t> children_;
};

Forked::Forked(int count, int parts, const ParameterStore::Block& block, Compute compute,
               const std::function<void()>& begin)
    : count_(count),
      parts_(parts),
      block_(block),
      compute_(std::move(compute)),
      stride_((block.size + 15) / 16 * 16) {
  check(count >= 1 && count <= parts && parts <= kMostParts, "workers", count, " workers for ",
        parts, " parts; expected 1 to ", kMostParts, " of both");
  const auto size = static_cast<size_t>(stride_);
  const size_t head = (sizeof(Shared) + 4095) / 4096 * 4096;
  bytes_ = head + size * sizeof(Scalar) * (1 + static_cast<size_t>(parts));
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "workers", "no memory for ", parts,
        " gradients: ", std::strerror(errno));
  shared_ = new (memory) Shared;
  values_ = reinterpret_cast<Scalar*>(static_cast<char*>(memory) + head);
  gradients_ = values_ + size;
  for (int i = 0; i < kMostParts; ++i) {
    ::sem_init(&shared_->begin[i], 1, 0);
    ::sem_init(&shared_->done[i], 1, 0);
  }
  const pid_t parent = ::getpid();
  for (int number = 1; number < count; ++number) {
    const pid_t child = ::fork();
    check(child >= 0, "workers", "cannot start a process: ", std::strerror(errno));
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // also when the parent is killed with -9
      if (::getppid() != parent) ::raise(SIGKILL);
      if (begin) begin();
      omp_set_num_threads(1);
      serve(number);
    }
    children_.push_back(child);
  }
}

Forked::~Forked() {
  for (const pid_t child : children_)
    if (child > 0) ::kill(child, SIGKILL);  // they hold nothing that must be kept
  for (const pid_t child : children_)
    if (child > 0) ::waitpid(child, nullptr, 0);
  ::munmap(shared_, bytes_);
}

void Forked::serve(int number) {
  for (;;) {
    while (::sem_wait(&shared_->begin[number]) != 0) {
    }
    std::memcpy(block_.value, values_, static_cast<size_t>(block_.size) * sizeof(Scalar));
    work(number);
    ::sem_post(&shared_->done[number]);
  }
}

void Forked::work(int number) {
  for (int part = number; part < parts_; part += count_) {
    Result& result = shared_->results[part];
    result = {};
    try {
      compute_({shared_->order, shared_->order_bytes}, part, result);
      std::memcpy(gradients_ + part * stride_, block_.grad,
                  static_cast<size_t>(block_.size) * sizeof(Scalar));
    } catch (const std::exception& e) {
      std::snprintf(result.error, sizeof result.error, "%s", *e.what() ? e.what() : "unknown");
    }
  }
}

void Forked::wait_for(int number) {
  for (;;) {
    timespec until{};
    ::clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    if (::sem_timedwait(&shared_->done[number], &until) == 0) return;
    if (errno != ETIMEDOUT) continue;
    int status = 0;
    pid_t& child = children_[static_cast<size_t>(number) - 1];
    const bool gone = child < 0 || ::waitpid(child, &status, WNOHANG) != 0;
    if (gone) child = -1;  // its number may be another process' by now
    check(!gone, "workers", "worker ", number, " is gone",
          hint("was it killed, or is there no memory left? The run goes on from its last "
               "checkpoint with --resume"));
  }
}

std::span<const Group::Result> Forked::run(Order order) {
  check(order.size() <= kOrderBytes, "group", "an order of ", order.size(), " bytes");
  std::memcpy(shared_->order, order.data(), order.size());
  shared_->order_bytes = order.size();
  std::memcpy(values_, block_.value, static_cast<size_t>(block_.size) * sizeof(Scalar));
  for (int number = 1; number < count_; ++number) ::sem_post(&shared_->begin[number]);
  work(0);
  for (int number = 1; number < count_; ++number) wait_for(number);
  for (int part = 0; part < parts_; ++part)
    check(!shared_->results[part].error[0], "update",
          static_cast<const char*>(shared_->results[part].error));
  sum_parts(block_, gradients_, stride_, parts_);
  return {shared_->results, static_cast<size_t>(parts_)};
}

}  // namespace

std::unique_ptr<Group> forked(int count, int parts, const ParameterStore::Block& block,
                              Group::Compute compute, std::function<void()> begin) {
  return std::make_unique<Forked>(count, parts, block, std::move(compute), begin);
}

}  // namespace engine
