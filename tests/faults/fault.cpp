// A library to preload: counts the operations that change files below $FAULT_UNDER, and at the one
// with number $FAULT_AT something goes wrong, by $FAULT_KIND:
//
//   kill   the process is killed before it
//   torn   half of a write is done, then the process is killed
//   full   it fails with ENOSPC, and so does every write after it
//   short  a write does half of what it should, and says so
//   eintr  it is interrupted (EINTR), once
//   term   SIGTERM arrives, and the operation is done
//
// The number of operations is written to the file $FAULT_COUNT at the end.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

const char* setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool kind(const char* name) { return std::strcmp(setting("FAULT_KIND"), name) == 0; }

long operations = 0;
bool disk_is_full = false;
pid_t owner = 0;  // forked processes do not count

__attribute__((constructor)) void begin() { owner = getpid(); }

__attribute__((destructor)) void report() {
  if (getpid() != owner || !*setting("FAULT_COUNT")) return;
  char text[32];
  const int length = std::snprintf(text, sizeof text, "%ld", operations);
  const int fd = real<int (*)(const char*, int, ...)>("open")(setting("FAULT_COUNT"),
                                                              O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd < 0) return;
  if (real<ssize_t (*)(int, const void*, size_t)>("write")(fd, text, static_cast<size_t>(length)) <
      0) {
  }
  ::close(fd);
}

bool counts(const char* path) {
  const char* under = setting("FAULT_UNDER");
  return *under && getpid() == owner && std::strncmp(path, under, std::strlen(under)) == 0;
}

bool counts(int fd) {
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return counts(path);
}

enum class Then { go_on, fail, half, half_and_kill };

// Counts one operation, and says what becomes of it. `writes`: it puts bytes somewhere.
Then next(bool writes) {
  if (disk_is_full && writes) {
    errno = ENOSPC;
    return Then::fail;
  }
  if (++operations != std::atol(setting("FAULT_AT"))) return Then::go_on;
  if (kind("kill")) ::kill(getpid(), SIGKILL);
  if (kind("torn")) {
    if (writes) return Then::half_and_kill;
    ::kill(getpid(), SIGKILL);
  }
  if (kind("full")) {
    disk_is_full = true;
    errno = ENOSPC;
    return Then::fail;
  }
  if (kind("short") && writes) return Then::half;
  if (kind("eintr") && writes) {
    errno = EINTR;
    return Then::fail;
  }
  if (kind("term")) ::kill(getpid(), SIGTERM);
  return Then::go_on;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  if ((flags & (O_CREAT | O_TRUNC)) && counts(path) && next(false) == Then::fail) return -1;
  return real<int (*)(const char*, int, ...)>("open")(path, flags, mode);
}
int open64(const char* path, int flags, ...) __attribute__((alias("open")));

ssize_t write(int fd, const void* data, size_t bytes) {
  const auto all = real<ssize_t (*)(int, const void*, size_t)>("write");
  if (!counts(fd)) return all(fd, data, bytes);
  switch (next(true)) {
    case Then::fail:
      return -1;
    case Then::half:
      return all(fd, data, bytes > 1 ? bytes / 2 : bytes);
    case Then::half_and_kill:
      if (all(fd, data, bytes / 2) < 0) return -1;
      ::kill(getpid(), SIGKILL);
      [[fallthrough]];
    case Then::go_on:
      break;
  }
  return all(fd, data, bytes);
}

size_t fwrite(const void* data, size_t size, size_t count, FILE* file) {
  const auto all = real<size_t (*)(const void*, size_t, size_t, FILE*)>("fwrite");
  if (!counts(fileno(file))) return all(data, size, count, file);
  const Then then = next(true);
  if (then == Then::fail && errno == ENOSPC) return 0;  // stdio goes on after EINTR by itself
  if (then == Then::half_and_kill) {
    all(data, size, count / 2, file);
    fflush(file);
    ::kill(getpid(), SIGKILL);
  }
  return all(data, size, count, file);
}

int fsync(int fd) {
  if (counts(fd) && next(false) == Then::fail) return -1;
  return 0;  // syncing for real would take most of the test's time
}

int rename(const char* from, const char* to) {
  if (counts(to) && next(false) == Then::fail) return -1;
  return real<int (*)(const char*, const char*)>("rename")(from, to);
}

int unlink(const char* path) {
  if (counts(path)) next(false);
  return real<int (*)(const char*)>("unlink")(path);
}

int ftruncate(int fd, off_t size) {
  if (counts(fd) && next(false) == Then::fail) return -1;
  return real<int (*)(int, off_t)>("ftruncate")(fd, size);
}
int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

int mkdir(const char* path, mode_t mode) {
  if (counts(path) && next(false) == Then::fail) return -1;
  return real<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

}  // extern "C"
