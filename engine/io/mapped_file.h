// A whole file in memory, read-only: the pages are the system's file cache, shared by all
// processes.
//
// A write to it faults, which is how frozen weights are kept frozen. Others keep it alive with a
// shared_ptr. The file must not be shortened while it is mapped (reading what is gone ends the
// process with SIGBUS); replacing it by rename, as AtomicFile does, is safe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace engine {

class MappedFile {
 public:
  // Throws engine::Error that names the file if it is not there, cannot be read, or is not a
  // regular file. An empty file gives no bytes.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile() = default;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace engine
