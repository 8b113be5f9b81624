#include "engine/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "engine/base/number.h"

namespace engine {
namespace {

constexpr size_t kBuffer = size_t{1} << 20;
constexpr const char* kTemporary = ".tmp-";

// A link keeps being a link: what it points at is replaced.
std::filesystem::path real_place(const std::filesystem::path& path) {
  std::error_code none;
  return std::filesystem::is_symlink(path, none) ? std::filesystem::weakly_canonical(path, none)
                                                 : path;
}

// A name that no other process or thread is using; O_EXCL finds out. Not mkstemp: its files are for
// their owner only.
std::string temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> count{0};
  return concat(path.string(), kTemporary, ::getpid(), "-", ++count);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(real_place(path)) {
  struct stat before {};
  const bool exists = ::stat(path_.c_str(), &before) == 0;
  check(!exists || !S_ISDIR(before.st_mode), path_.string(),
        "is a folder and cannot be written as a file");
  // A rename would put a file in the place of a device, and a pipe's reader would get nothing.
  check(!exists || S_ISREG(before.st_mode), path_.string(),
        "is a device or a pipe, and only a plain file can be written here");
  do {
    temporary_ = temporary_name(path_);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd_ < 0 && errno == EEXIST);  // left behind by a process that was killed
  if (fd_ < 0) {
    const int error = errno;
    temporary_.clear();
    failed("cannot be written", error);
  }
  if (exists) ::fchmod(fd_, before.st_mode & 07777);  // a file that was private stays so
  buffer_.reserve(kBuffer);
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const size_t part = std::min(bytes, kBuffer - buffer_.size());
    buffer_.insert(buffer_.end(), next, next + part);
    next += part;
    bytes -= part;
    if (buffer_.size() == kBuffer) flush();
  }
}

void AtomicFile::flush() {
  check(fd_ >= 0, path_.string(), "was written to after an error or after commit()");
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t wrote = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) failed("cannot be written completely", wrote < 0 ? errno : ENOSPC);
    done += static_cast<size_t>(wrote);
  }
  buffer_.clear();
}

void AtomicFile::rewind() {
  flush();
  if (::lseek(fd_, 0, SEEK_SET) != 0) failed("cannot be rewound", errno);
}

void AtomicFile::commit() {
  flush();
  if (::fsync(fd_) != 0) failed("cannot be synced to the disk", errno);
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0)
    failed("cannot be written completely",
           errno);  // some file systems report a full disk only here
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) failed("cannot be replaced", errno);
  temporary_.clear();
  // The new name is in the folder, and a folder has to be synced as well. Some file systems refuse;
  // nothing is lost then.
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

void AtomicFile::failed(const char* doing, int error) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  std::error_code none;
  std::string advice;
  if (error == ENOENT)
    advice = "is there no folder " +
             (path_.has_parent_path() ? path_.parent_path().string() : ".") + "?";
  if (error == ENOSPC || error == EDQUOT || error == EFBIG)
    advice = std::filesystem::exists(path_, none) ? "make room; the older file is as it was"
                                                  : "make room; nothing was left behind";
  if (advice.empty()) fail(path_.string(), doing, ": ", std::strerror(error));
  fail(path_.string(), doing, ": ", std::strerror(error), hint(advice));
}

void remove_temporaries(const std::filesystem::path& folder) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    // NAME.tmp-PROCESS-COUNT, as temporary_name() makes them
    const std::string name = entry.path().filename();
    const size_t mark = name.rfind(kTemporary);
    if (mark == 0 || mark == std::string::npos || !entry.is_regular_file(none)) continue;
    const std::string rest = name.substr(mark + std::strlen(kTemporary));
    const size_t dash = rest.find('-');
    if (dash == std::string::npos || !to_number<unsigned>(rest.substr(0, dash)) ||
        !to_number<unsigned>(rest.substr(dash + 1)))
      continue;
    std::filesystem::remove(entry.path(), none);
  }
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace engine
