// A whole file in memory, read-only: the pages are the system's file cache, shared by all
// processes.
//
// A write to it faults, which is how frozen weights are kept frozen. Others keep it alive with a
// shared_ptr. What happens when another program changes the file is in engine/base/mapping.h;
// replacing it by rename, as AtomicFile does, is safe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "engine/base/mapping.h"

namespace engine {

class MappedFile {
 public:
  // Throws engine::Error that names the file if it is not there, cannot be read, or is not a
  // regular file. An empty file gives no bytes.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  std::span<const std::byte> bytes() const { return {data(), size()}; }
  const std::byte* data() const { return mapping_.data(); }
  size_t size() const { return mapping_.size(); }
  const std::filesystem::path& path() const { return mapping_.path(); }

 private:
  explicit MappedFile(const std::filesystem::path& path) : mapping_(path) {}
  Mapping mapping_;
};

}  // namespace engine
