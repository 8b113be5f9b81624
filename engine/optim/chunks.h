// Loops over the trainable block, in chunks and in rows of tables, whose borders do not depend on
// the number of threads.
//
// A compiler may round differently in the vector body of a loop and in its remainder (contraction
// to fused multiply-adds); with fixed chunks every element is always in the same place of the same
// loop, so one thread and many give the same bits.
#pragma once

#include "engine/nn/parameter_store.h"
#include "engine/tensor/parallel.h"

namespace engine {

inline constexpr int64_t kOptimChunk = 4096;  // scalars: some arrays of it fit the first cache

// fn(begin, end) for every chunk of [begin, end); chunks start at `begin`.
template <class F>
void for_chunks(int64_t begin, int64_t end, F&& fn) {
  const int64_t chunks = (end - begin + kOptimChunk - 1) / kOptimChunk;
  parallel_for(chunks, kOptimChunk, [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; ++c)
      fn(begin + c * kOptimChunk, std::min(end, begin + (c + 1) * kOptimChunk));
  });
}

// [begin, end) of the block in order: stretch(begin, end) of what lies between tables, table(i) for
// block.tables[i].
template <class Stretch, class Table>
void for_stretches(const ParameterStore::Block& block, int64_t begin, int64_t end,
                   Stretch&& stretch, Table&& table) {
  for (size_t i = 0; i < block.tables.size(); ++i) {
    const ParameterStore::Block::Table& t = block.tables[i];
    if (t.begin < begin || t.begin >= end) continue;
    if (begin < t.begin) stretch(begin, t.begin);
    table(i);
    begin = t.end();
  }
  if (begin < end) stretch(begin, end);
}

}  // namespace engine
