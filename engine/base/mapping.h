// A plain file mapped read-only into memory. Another program may cut it short, and the next read
// raises SIGBUS (mapped_path_at names the file), or write to it (check_mappings_unchanged).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

struct stat;

namespace engine {

class Mapping {
 public:
  // Throws Error as open_plain_file does, and if there is no room. An empty file gives no bytes.
  explicit Mapping(const std::filesystem::path& path);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  // Throws Error if the file was written to or cut since it was mapped, going by its size and times
  // of change. Replacing it by rename or removing it is no change: the mapping keeps what it had.
  void check_unchanged() const;

 private:
  struct Identity {
    unsigned long device = 0, inode = 0;
    long size = 0, seconds = 0, nanoseconds = 0;
    bool operator==(const Identity&) const = default;
  };
  static Identity identity(const struct ::stat& info);

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  Identity was_;
};

// check_unchanged() of every mapping there is.
void check_mappings_unchanged();

// The path of the file that is mapped at `address`, cut to some hundred bytes; null if none is. May
// be called in a signal handler.
const char* mapped_path_at(const void* address);

}  // namespace engine
