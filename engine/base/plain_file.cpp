#include "engine/base/plain_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/base/error.h"

namespace engine {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe (FIFO)";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

struct Closing {
  int fd;
  ~Closing() { ::close(fd); }
};

}  // namespace

int open_plain_file(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a FIFO waits for its writer. It changes nothing for plain files.
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  check(fd >= 0, path.string(), "cannot be opened: ", std::strerror(errno));
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    fail(path.string(), "is ", kind_of(info.st_mode), ", and a plain file is needed");
  }
  return fd;
}

void check_plain_file(const std::filesystem::path& path) { ::close(open_plain_file(path)); }

std::string read_plain_file(const std::filesystem::path& path) {
  const Closing file{open_plain_file(path)};
  struct stat info {};
  std::string text;
  if (::fstat(file.fd, &info) == 0) text.resize(static_cast<size_t>(info.st_size));
  size_t done = 0;
  for (;;) {
    if (done == text.size()) text.resize(text.size() + 4096);  // also finds the end
    const ssize_t got = ::read(file.fd, text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    check(got >= 0, path.string(), "cannot be read: ", std::strerror(errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  text.resize(done);
  return text;
}

}  // namespace engine
