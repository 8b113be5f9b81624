#include "engine/tensor/pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "engine/base/dry_run.h"
#include "engine/base/error.h"

#if defined(__SANITIZE_ADDRESS__)
#define PEFT_POOL_PLAIN 1  // one allocation a block, so that AddressSanitizer sees every bound
#else
#define PEFT_POOL_PLAIN 0
#endif

namespace engine {
namespace {

constexpr size_t kHeader = sizeof(Block);
// Of addresses: memory is what is touched of it, from the front.
constexpr size_t kSlab = size_t{256} << 20;
static_assert(kHeader == 64 || kHeader == 128);

size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

Pool::~Pool() {
  // A tensor that outlives its pool would give its block back to nowhere; its slab is leaked rather
  // than pulled away.
  if (live_ != 0) return;
  for (const Slab& slab : slabs_) munmap(slab.memory, slab.bytes);
}

Pool::Slab& Pool::add_slab(size_t bytes) {
  const size_t size = round_up(std::max(bytes + kHeader, kSlab), size_t{2} << 20);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(memory != MAP_FAILED, "pool", "the system refused ", size >> 20, " MiB of memory, with ",
        touched_ >> 20, " MiB taken already",
        hint("use a smaller --batch-size or --max-length, or a strategy that keeps less for "
             "backward"));
  madvise(memory, size,
          MADV_HUGEPAGE);  // fewer page faults and TLB misses; a refusal only costs speed
  auto* block = new (memory) Block;
  block->pool = this;
  block->capacity = size - kHeader;
  block->free = true;
  slabs_.push_back({memory, size, block, 0});
  ++system_allocations_;
  return slabs_.back();
}

Block* Pool::lend(Block* block, size_t bytes) {
  block->free = false;
  block->bytes = bytes;
  block->references = 1;
  block->counted_by = 0;
  live_ += static_cast<int64_t>(bytes);
  peak_ = std::max(peak_, live_);
  return block;
}

Block* Pool::take(size_t bytes) {
  if (DryRun::on()) {
    auto* block = new Block;
    block->pool = this;
    block->dry = true;
    return lend(block, bytes);
  }
  const size_t wanted = round_up(std::max<size_t>(bytes, 64), 64);
  Block* best = nullptr;
#if PEFT_POOL_PLAIN
  best = new (::operator new (kHeader + wanted, std::align_val_t{64})) Block;
  best->pool = this;
  best->capacity = wanted;
  ++system_allocations_;
#else
  Slab* home = nullptr;
  for (Slab& slab : slabs_)
    for (Block* b = slab.first; b; b = b->next)
      if (b->free && b->capacity >= wanted && (!best || b->capacity < best->capacity))
        best = b, home = &slab;
  if (!best) best = (home = &add_slab(wanted))->first;
  if (best->capacity >= wanted + kHeader + 64) {  // cut the rest off as a free block of its own
    auto* rest = new (static_cast<char*>(best->data()) + wanted) Block;
    rest->pool = this;
    rest->capacity = best->capacity - wanted - kHeader;
    rest->free = true;
    rest->previous = best;
    rest->next = best->next;
    if (rest->next) rest->next->previous = rest;
    best->next = rest;
    best->capacity = wanted;
  }
  const auto end = static_cast<size_t>(static_cast<char*>(best->data()) + best->capacity -
                                       static_cast<char*>(home->memory));
  touched_ += static_cast<int64_t>(std::max(end, home->touched) - home->touched);
  home->touched = std::max(end, home->touched);
#endif
  if (poison_)
    std::memset(best->data(), 0xFF, best->capacity);  // all-ones is a NaN in float and in double
  return lend(best, bytes);
}

void Pool::give_back(Block* block) {
  live_ -= static_cast<int64_t>(block->bytes);
  if (block->dry) {
    delete block;
    return;
  }
#if PEFT_POOL_PLAIN
  block->~Block();
  ::operator delete (block, std::align_val_t{64});
#else
  block->free = true;
  const auto absorb_next = [](Block* b) {
    b->capacity += kHeader + b->next->capacity;
    b->next = b->next->next;
    if (b->next) b->next->previous = b;
  };
  if (block->next && block->next->free) absorb_next(block);
  if (block->previous && block->previous->free) absorb_next(block->previous);
#endif
}

}  // namespace engine
