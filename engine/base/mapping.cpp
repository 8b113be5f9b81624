#include "engine/base/mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>

#include "engine/base/error.h"
#include "engine/base/plain_file.h"

namespace engine {
namespace {

// What a signal handler may read: a fixed place, written before `begin` is set. A program with more
// files than this has a less exact message for the others.
struct Slot {
  std::atomic<const std::byte*> begin{nullptr};
  std::atomic<size_t> size{0};
  char path[480] = {};
};
constexpr int kSlots = 64;
Slot slots[kSlots];

struct List {
  std::mutex mutex;
  std::set<const Mapping*> all;
};
List& list() {
  static List* const one = new List;  // never destroyed: mappings may outlive static objects
  return *one;
}

void enter(const Mapping& mapping) {
  const std::lock_guard lock(list().mutex);
  list().all.insert(&mapping);
  if (!mapping.data()) return;
  for (Slot& slot : slots) {
    if (slot.begin.load()) continue;
    std::strncpy(slot.path, mapping.path().c_str(), sizeof slot.path - 1);
    slot.size = mapping.size();
    slot.begin = mapping.data();
    return;
  }
}

void leave(const Mapping& mapping) {
  const std::lock_guard lock(list().mutex);
  list().all.erase(&mapping);
  for (Slot& slot : slots)
    if (mapping.data() && slot.begin.load() == mapping.data()) slot.begin = nullptr;
}

}  // namespace

Mapping::Identity Mapping::identity(const struct ::stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

Mapping::Mapping(const std::filesystem::path& path) : path_(path) {
  const int fd = open_plain_file(path);
  struct stat info {};
  const bool known = ::fstat(fd, &info) == 0;
  void* memory = nullptr;
  if (known && info.st_size > 0)
    memory = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  ::close(fd);  // the mapping stays
  check(known && memory != MAP_FAILED, path.string(),
        "cannot be mapped into memory: ", std::strerror(error));
  data_ = static_cast<const std::byte*>(memory);
  size_ = static_cast<size_t>(info.st_size);
  was_ = identity(info);
  enter(*this);
}

Mapping::~Mapping() {
  leave(*this);
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

void Mapping::check_unchanged() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return;
  const Identity now = identity(info);
  if (now.device != was_.device || now.inode != was_.inode) return;
  check(now == was_, path_.string(),
        now.size < was_.size ? "was cut short while it was in use"
                             : "was written to while it was in use",
        hint("what was computed from it since cannot be trusted; replace a file that is in use "
             "only by renaming another over it"));
}

void check_mappings_unchanged() {
  const std::lock_guard lock(list().mutex);
  for (const Mapping* mapping : list().all) mapping->check_unchanged();
}

const char* mapped_path_at(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  for (const Slot& slot : slots) {
    const std::byte* begin = slot.begin.load();
    constexpr size_t kPage = 4096;  // the last page is mapped whole
    if (begin && at >= begin && at < begin + (slot.size.load() + kPage - 1) / kPage * kPage)
      return slot.path;
  }
  return nullptr;
}

}  // namespace engine
