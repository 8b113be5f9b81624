// Memory for the closures of one step: handed out in order, taken back all at once, kept for the
// next step.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace engine {

class Arena {
 public:
  void* take(size_t bytes) {
    bytes = (bytes + 15) / 16 * 16;
    while (current_ < chunks_.size() && used_ + bytes > chunks_[current_].size) {
      ++current_;
      used_ = 0;
    }
    if (current_ == chunks_.size()) {
      const size_t size = bytes > kChunk ? bytes : kChunk;
      chunks_.push_back({std::make_unique<std::byte[]>(size), size});
      used_ = 0;
    }
    void* result = chunks_[current_].memory.get() + used_;
    used_ += bytes;
    return result;
  }
  void reset() { current_ = used_ = 0; }

 private:
  static constexpr size_t kChunk = 64 * 1024;
  struct Chunk {
    std::unique_ptr<std::byte[]> memory;
    size_t size;
  };
  std::vector<Chunk> chunks_;
  size_t current_ = 0, used_ = 0;
};

}  // namespace engine
