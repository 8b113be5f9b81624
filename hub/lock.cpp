#include "hub/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/base/error.h"

namespace hub {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

Lock::Lock(const fs::path& file, const std::function<void()>& waiting) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  while (true) {
    // Group-writable, as huggingface_hub's: several users may share a cache.
    fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0664);
    check(fd_ >= 0, file.string(), "cannot be made: ", std::strerror(errno),
          hint("HF_HOME or HF_HUB_CACHE names another place for the cache"));
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return;  // no locks here
      try {
        waiting();
      } catch (...) {
        ::close(fd_);
        fd_ = -1;
        throw;
      }
      ::usleep(100'000);
    }
    // Newer filelocks remove the file when they let go: then this lock is on nothing.
    struct stat ours {
    }, there{};
    if (::fstat(fd_, &ours) == 0 && ::stat(file.c_str(), &there) == 0 &&
        ours.st_ino == there.st_ino && ours.st_dev == there.st_dev) {
      held_ = true;
      return;
    }
    ::close(fd_);
  }
}

Lock::~Lock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace hub
