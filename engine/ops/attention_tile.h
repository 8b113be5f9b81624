// One attention problem, and the tiles that it is computed in. Internal to attention.cpp.
#pragma once

#include <algorithm>

#include "engine/base/philox.h"
#include "engine/base/token_batch.h"
#include "engine/ops/dropout.h"
#include "engine/ops/relative_bias.h"
#include "engine/tensor/gemm.h"

namespace engine::attending {

// engine::Segments without their own memory: the caller's in forward, the step's in backward.
struct Ranges {
  const int32_t* starts;
  int sequences;

  int count() const { return sequences; }
  int32_t begin(int i) const { return starts[i]; }
  int32_t length(int i) const { return starts[i + 1] - starts[i]; }
  int32_t rows() const { return starts[sequences]; }
};

struct Problem {
  Tensor q, k, v, pk, pv;    // data or ghosts
  Ranges segments, queries;  // the same unless only some tokens ask
  const int32_t* asking;     // rows of k that ask, or null: the last of each sequence
  int64_t heads, key_heads, width, prefix, block;
  bool causal;
  int64_t window;
  uint64_t mask_key;  // of dropout; 0: none
  double dropout;
  Scalar scale;
  DistanceBias distances = {};
  const Scalar* bias = nullptr;  // (heads, distances.size()), or null: none

  int64_t group() const { return heads / key_heads; }
  int64_t query_stride() const { return heads * width; }
  int64_t key_stride() const { return key_heads * width; }
  // Tiles of queries of one sequence: one, unless a mask hides keys.
  int64_t blocks(int sequence) const {
    if (!causal && window == 0) return 1;
    return std::max<int64_t>(1, (queries.length(sequence) + block - 1) / block);
  }
};

// Some queries of one sequence and head, with the keys that they may see.
struct Tile {
  const Problem& p;
  int64_t head, asks, n;  // of q: head, first row, rows
  int64_t row, m, keys;   // of k: first row, rows; rows with the prefix
  int64_t offset;         // position of `row` in its sequence
  uint64_t mask_key = 0;

  Tile(const Problem& problem, int s, int64_t h, int64_t b) : p(problem), head(h) {
    const int64_t blocks = p.blocks(s), whole = p.segments.length(s);
    sequence_ = s;
    asks = p.queries.begin(s);
    n = p.queries.length(s);
    row = p.segments.begin(s);
    m = whole;
    offset = 0;
    if (p.mask_key) mask_key = mix(p.mask_key, static_cast<uint64_t>(s * p.heads + h));
    if (blocks > 1) {
      const int64_t from = b * p.block;
      asks += from;
      n = std::min(p.block, n - from);
      const int64_t first = position(0), last = position(n - 1);
      const int64_t begin = p.window ? std::max<int64_t>(0, first - p.window + 1) : 0;
      const int64_t end = p.causal ? last + 1 : std::min(whole, last + p.window);
      offset = begin;
      row += begin;
      m = end - begin;
      if (p.mask_key) mask_key = mix(mask_key, static_cast<uint64_t>(b));
    }
    keys = m + p.prefix;
  }

  int64_t first_query() const { return p.queries.begin(sequence_); }  // row of q
  // Position in its sequence of the tile's query i.
  int64_t position(int64_t i) const {
    const int64_t at = asks + i;
    if (p.asking) return p.asking[at] - p.segments.begin(sequence_);
    return p.segments.length(sequence_) -
           (p.queries.begin(sequence_) + p.queries.length(sequence_) - at);
  }

  // The columns of the scores that query i sees: [0, front) and [begin, end).
  struct Sight {
    int64_t front, begin, end;
  };
  Sight sight(int64_t i) const {
    if (!p.causal && !p.window) return {0, 0, keys};
    const int64_t at = p.prefix + position(i) - offset;
    const int64_t end = p.causal ? at + 1 : std::min(keys, at + p.window);
    const int64_t front = p.causal ? 0 : p.prefix;
    if (!p.window) return {0, 0, end};
    return {front, std::max(front, std::min(at - p.window + 1, end)), end};
  }

  // fn(scores or their gradients (count), numbers of their distances (count)) for each query and
  // each of the two parts of its keys. `by_distance`: (heads, distances.size()).
  template <class T, class F>
  void for_distances(Scalar* tile, T* by_distance, F&& fn) const {
    T* zero = p.distances.row(by_distance, head);
    for (int64_t i = 0; i < n; ++i) {
      Scalar* first = tile + i * keys;
      const int64_t at = position(i);
      if (p.prefix > 0) fn(first, zero - p.prefix - at, p.prefix);
      fn(first + p.prefix, zero + offset - at, m);
    }
  }

  // Queries of a tensor with the shape of q, and own keys of one with the shape of k.
  Scalar* asking(Scalar* t) const { return t + asks * p.query_stride() + head * p.width; }
  Scalar* own(Scalar* t) const { return t + row * p.key_stride() + key_column(); }
  Scalar* front(Scalar* t) const { return t + key_column(); }
  MatrixRef asking(const Tensor& t) const {
    return {asking(t.data()), n, p.width, p.query_stride()};
  }
  MatrixRef own(const Tensor& t) const { return {own(t.data()), m, p.width, p.key_stride()}; }
  MatrixRef front(const Tensor& t) const {
    return {front(t.data()), p.prefix, p.width, p.key_stride()};
  }
  MatrixRef left(const Scalar* tile) const { return {tile, n, p.prefix, keys}; }
  MatrixRef right(const Scalar* tile) const { return {tile + p.prefix, n, m, keys}; }
  MatrixRef all(const Scalar* tile) const { return {tile, n, keys, keys}; }

  // [prefix; own] of k or v: without a prefix where it is, else a copy in `memory` (keys x width).
  MatrixRef rows(const Tensor& own_rows, const Tensor& prefix_rows, Scalar* memory) const {
    if (!p.prefix) return own(own_rows);
    Scalar* to = memory;
    const auto append = [&](const MatrixRef& from) {
      for (int64_t i = 0; i < from.rows; ++i, to += p.width)
        std::copy_n(from.data + i * from.stride, p.width, to);
    };
    append(front(prefix_rows));
    append(own(own_rows));
    return {memory, keys, p.width, p.width};
  }

  DropoutMask mask() const { return p.mask_key ? DropoutMask(mask_key, p.dropout) : DropoutMask(); }

 private:
  int64_t key_column() const { return head / p.group() * p.width; }
  int sequence_;
};

// Sizes of a problem: scores of the largest tile, its keys, and all query-key pairs of all tiles.
struct Extent {
  int64_t scores = 0, keys = 0;
  double pairs = 0;  // with own keys, of all heads; those that a mask hides inside a tile count
  double prefix_pairs = 0;

  explicit Extent(const Problem& p) {
    for (int s = 0; s < p.segments.count(); ++s)
      for (int64_t b = 0; b < p.blocks(s); ++b) {
        const Tile t(p, s, 0, b);
        scores = std::max(scores, t.n * t.keys);
        keys = std::max(keys, t.keys);
        pairs += static_cast<double>(t.n) * static_cast<double>(t.m * p.heads);
      }
    prefix_pairs = static_cast<double>(p.queries.rows()) * static_cast<double>(p.prefix * p.heads);
  }
};

}  // namespace engine::attending
