#include "hub/digest.h"

#ifdef PEFT_HAS_CURL
#include <openssl/evp.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/plain_file.h"

namespace hub {

namespace fs = std::filesystem;
using engine::check;

DigestKind digest_kind(const std::string& etag) {
  const bool hex = etag.find_first_not_of("0123456789abcdef") == std::string::npos;
  return hex && etag.size() == 64   ? DigestKind::sha256
         : hex && etag.size() == 40 ? DigestKind::git
                                    : DigestKind::none;
}

#ifdef PEFT_HAS_CURL

bool digests_available() { return true; }

namespace sums {

class Sum {
 public:
  Sum(DigestKind kind, int64_t size) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    check(context_ != nullptr &&
              EVP_DigestInit_ex(context_.get(), kind == DigestKind::git ? EVP_sha1() : EVP_sha256(),
                                nullptr) == 1,
          "hub", "OpenSSL has no digest of this kind");
    if (kind != DigestKind::git) return;
    const std::string head = "blob " + std::to_string(size);
    add(head.c_str(), head.size() + 1);
  }
  void add(const void* data, size_t bytes) { EVP_DigestUpdate(context_.get(), data, bytes); }
  std::string hex() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    EVP_DigestFinal_ex(context_.get(), out, &length);
    std::string text;
    for (unsigned int i = 0; i < length; ++i) {
      text += "0123456789abcdef"[out[i] >> 4];
      text += "0123456789abcdef"[out[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

struct Descriptor {
  explicit Descriptor(const fs::path& file) : fd(engine::open_plain_file(file)) {}
  ~Descriptor() { ::close(fd); }
  int fd;
};

// Adds [from, to) of the file; the place where it ended, which is before `to` if the file does.
int64_t add_range(Sum& sum, int fd, std::vector<char>& buffer, int64_t from, int64_t to,
                  const fs::path& file) {
  while (from < to) {
    const auto most =
        static_cast<size_t>(std::min<int64_t>(to - from, static_cast<int64_t>(buffer.size())));
    const ssize_t got = ::pread(fd, buffer.data(), most, from);
    if (got < 0 && errno == EINTR) continue;
    check(got >= 0, file.string(), "cannot be read: ", std::strerror(errno));
    if (got == 0) break;
    sum.add(buffer.data(), static_cast<size_t>(got));
    from += got;
  }
  return from;
}

constexpr size_t kBuffer = size_t{1} << 20;

}  // namespace sums

using namespace sums;

std::string digest_of(const fs::path& file, DigestKind kind, int64_t size) {
  const Descriptor in(file);
  Sum sum(kind, size);
  std::vector<char> buffer(kBuffer);
  add_range(sum, in.fd, buffer, 0, size, file);
  return sum.hex();
}

struct GrowingDigest::State {
  State(const fs::path& f, DigestKind kind, int64_t size) : file(f), in(f), sum(kind, size) {
    thread = std::thread([this] { run(); });
  }
  ~State() {
    {
      const std::lock_guard<std::mutex> hold(mutex);
      ended = true;
      abandoned = !joined;
    }
    changed.notify_one();
    if (thread.joinable()) thread.join();
  }
  void run() {
    std::vector<char> buffer(kBuffer);
    int64_t done = 0;
    while (true) {
      int64_t to = 0;
      {
        std::unique_lock<std::mutex> hold(mutex);
        changed.wait(hold, [&] { return ended || there > done; });
        if (abandoned || (ended && there <= done)) return;
        to = there;
      }
      try {
        done = std::max(to, add_range(sum, in.fd, buffer, done, to, file));
      } catch (const engine::Error& e) {
        problem = e.what();
        return;
      }
    }
  }

  fs::path file;
  Descriptor in;
  Sum sum;
  std::mutex mutex;
  std::condition_variable changed;
  int64_t there = 0;
  bool ended = false, abandoned = false, joined = false;
  std::string problem;
  std::thread thread;
};

GrowingDigest::GrowingDigest(const fs::path& file, DigestKind kind, int64_t size)
    : state_(std::make_unique<State>(file, kind, size)) {}
GrowingDigest::~GrowingDigest() = default;

void GrowingDigest::written(int64_t bytes) {
  {
    const std::lock_guard<std::mutex> hold(state_->mutex);
    state_->there = bytes;
  }
  state_->changed.notify_one();
}

std::string GrowingDigest::finish() {
  {
    const std::lock_guard<std::mutex> hold(state_->mutex);
    state_->ended = state_->joined = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
  check(state_->problem.empty(), "hub", state_->problem);
  return state_->sum.hex();
}

#else

bool digests_available() { return false; }
std::string digest_of(const fs::path& file, DigestKind, int64_t) {
  engine::fail(file.string(), "cannot be checked: this build has no OpenSSL",
               engine::hint("install libcurl4-openssl-dev and libssl-dev, and build again"));
}
struct GrowingDigest::State {};
GrowingDigest::GrowingDigest(const fs::path&, DigestKind, int64_t) {}
GrowingDigest::~GrowingDigest() = default;
void GrowingDigest::written(int64_t) {}
std::string GrowingDigest::finish() { return {}; }

#endif

}  // namespace hub
