// The recycling allocator under all tensors: a warm training step takes nothing from the system.
//
// Blocks are cut from large slabs (best fit, neighbours merged when freed), not kept in lists by
// size: packed batches change their number of rows at every step, and lists by size would hold a
// set of blocks for each. A slab is a range of addresses; the system gives memory for what is
// touched of it, and the untouched rest, the largest free block, is used last. The blocks of a slab
// form a list in address order; each begins with a 64-byte header, so data is 64-byte aligned.
// Not thread-safe: the thread that drives the graph makes and drops tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/tensor/memory.h"

namespace engine {

class Pool;

struct alignas(64) Block {
  Pool* pool = nullptr;
  Block* previous = nullptr;  // neighbours in the slab
  Block* next = nullptr;
  size_t capacity = 0;  // bytes of data behind the header
  size_t bytes = 0;     // asked for
  int32_t references = 0;
  bool free = false;
  bool dry = false;         // of a dry run: a header alone
  uint64_t counted_by = 0;  // the graph that has counted this block as saved (Graph::keep)

  void* data() { return dry ? static_cast<void*>(dry_address()) : this + 1; }
};

class Pool {
 public:
  Pool() = default;
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // One reference, contents undefined (NaN if poison is on). In a dry run it is counted as any
  // other and has no memory.
  Block* take(size_t bytes);
  void give_back(Block* block);

  int64_t live_bytes() const { return live_; }
  int64_t peak_bytes() const { return peak_; }  // of live bytes since reset_peak
  // Of the slabs, from their front: what is resident, up to a page each.
  int64_t touched_bytes() const { return touched_; }
  int64_t system_allocations() const { return system_allocations_; }
  void reset_peak() { peak_ = live_; }

  // For tests: fresh blocks are filled with NaN bytes, so that reading what was never written
  // shows.
  void set_poison(bool on) { poison_ = on; }

 private:
  struct Slab {
    void* memory;
    size_t bytes;
    Block* first;
    size_t touched;
  };
  Slab& add_slab(size_t bytes);
  Block* lend(Block* block, size_t bytes);

  std::vector<Slab> slabs_;
  int64_t live_ = 0, peak_ = 0, touched_ = 0, system_allocations_ = 0;
  bool poison_ = false;
};

// Counted reference to a block.
class BlockRef {
 public:
  BlockRef() = default;
  explicit BlockRef(Block* taken) : block_(taken) {}  // adopts the reference of Pool::take
  BlockRef(const BlockRef& other) : block_(other.block_) {
    if (block_) ++block_->references;
  }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockRef() {
    if (block_ && --block_->references == 0) block_->pool->give_back(block_);
  }
  Block* get() const { return block_; }
  bool unique() const { return block_ && block_->references == 1; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  Block* block_ = nullptr;
};

}  // namespace engine
