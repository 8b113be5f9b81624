#include "apps/pretrain/workers.h"

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

#include "apps/common/signals.h"
#include "engine/base/error.h"
#include "engine/tensor/parallel.h"

namespace apps {

using engine::check;
using engine::Scalar;

struct Workers::Shared {
  sem_t begin[kMostParts], done[kMostParts];
  Order order;
  Result results[kMostParts];
};

Workers::Workers(int count, int parts, const engine::ParameterStore::Block& block, Compute compute)
    : count_(count), parts_(parts), block_(block), compute_(std::move(compute)) {
  check(count >= 1 && count <= parts && parts <= kMostParts, "workers", count, " workers for ",
        parts, " parts; expected 1 to ", kMostParts, " of both");
  const auto size = static_cast<size_t>((block.size + 15) / 16 * 16);
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
      if (::getppid() != parent) ::_exit(0);
      leave_stop_signals_to_parent();
      omp_set_num_threads(1);
      serve(number);
    }
    children_.push_back(child);
  }
}

Workers::~Workers() {
  for (const pid_t child : children_)
    if (child > 0) ::kill(child, SIGKILL);  // they hold nothing that must be kept
  for (const pid_t child : children_)
    if (child > 0) ::waitpid(child, nullptr, 0);
  ::munmap(shared_, bytes_);
}

void Workers::serve(int number) {
  for (;;) {
    while (::sem_wait(&shared_->begin[number]) != 0) {
    }
    std::memcpy(block_.value, values_, static_cast<size_t>(block_.size) * sizeof(Scalar));
    work(number);
    ::sem_post(&shared_->done[number]);
  }
}

void Workers::work(int number) {
  const auto size = static_cast<size_t>((block_.size + 15) / 16 * 16);
  for (int part = number; part < parts_; part += count_) {
    Result& result = shared_->results[part];
    result = {};
    try {
      compute_(shared_->order, part, result);
      std::memcpy(gradients_ + static_cast<size_t>(part) * size, block_.grad,
                  static_cast<size_t>(block_.size) * sizeof(Scalar));
    } catch (const std::exception& e) {
      std::snprintf(result.error, sizeof result.error, "%s", *e.what() ? e.what() : "unknown");
    }
  }
}

void Workers::wait_for(int number) {
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
          engine::hint("was it killed, or is there no memory left? The run goes on from its last "
                       "checkpoint with --resume"));
  }
}

std::span<const Workers::Result> Workers::run(const Order& order) {
  shared_->order = order;
  if (count_ > 1)
    std::memcpy(values_, block_.value, static_cast<size_t>(block_.size) * sizeof(Scalar));
  for (int number = 1; number < count_; ++number) ::sem_post(&shared_->begin[number]);
  work(0);
  for (int number = 1; number < count_; ++number) wait_for(number);
  for (int part = 0; part < parts_; ++part)
    check(!shared_->results[part].error[0], "pretrain",
          static_cast<const char*>(shared_->results[part].error));
  const int64_t size = (block_.size + 15) / 16 * 16;
  block_.wrote_all();
  engine::parallel_for(
      block_.size, parts_ + 1,
      [&](int64_t begin, int64_t end) {
        constexpr int64_t kChunk = 4096;
        for (int64_t at = begin; at < end; at += kChunk) {
          const int64_t n = std::min(kChunk, end - at);
          engine::RowMap sum(block_.grad + at, n);
          sum = engine::RowMap(gradients_ + at, n);
          for (int part = 1; part < parts_; ++part)
            sum += engine::RowMap(gradients_ + part * size + at, n);
        }
      },
      16);
  return {shared_->results, static_cast<size_t>(parts_)};
}

}  // namespace apps
