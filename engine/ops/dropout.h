// Dropout with a mask that is a function of a key and an index: recomputed in backward, never
// stored.
#pragma once

#include "engine/autograd/graph.h"

namespace engine {

// y = x m / keep, m[i] = 1 with probability keep = 1 - p, when the graph drops
// (GraphOptions::dropout) and p > 0; else x. `x` is written over if it was given away. p in [0, 1),
// in steps of 1/65536.
Tensor dropout(Graph& g, Tensor x, double p);

// The mask of one dropout op, as factors 0 or 1/keep.
class DropoutMask {
 public:
  DropoutMask() = default;
  DropoutMask(uint64_t key, double p);
  // Takes the graph's next key if the graph drops and p > 0; an inactive mask otherwise.
  static DropoutMask next(Graph& g, double p) {
    return g.drops() && p > 0 ? DropoutMask(g.next_mask_key(), p) : DropoutMask();
  }

  explicit operator bool() const { return threshold_ > 0; }
  static constexpr int64_t kAlign = 64;
  // out[i] = factor of element begin + i, for i < n. `begin` is a multiple of kAlign.
  void fill(int64_t begin, int64_t n, Scalar* out) const;
  // y[i] = x[i] * factor of element begin + i (+ beta y[i]); y may be x when beta is 0. `begin` is
  // a multiple of kAlign.
  void apply(int64_t begin, int64_t n, const Scalar* x, Scalar* y, Scalar beta = 0) const;

 private:
  uint64_t key_ = 0;
  uint32_t threshold_ = 0;  // dropped if a 16-bit number is below it; 0: inactive
  Scalar factor_ = 1;
};

}  // namespace engine
