// DoRA (Liu et al. 2024): a weight's rows are split into length and direction, the length is
// learned and the direction moves by an update of low rank.
#pragma once

#include "engine/autograd/graph.h"

namespace engine {

// (1, out): the lengths of the rows of W + scale B A. A constant: as the paper's section 4.3 and
// Hugging Face PEFT, nothing flows into it.
//   w (out, in), or a range of its rows; a (r, in), b (out, r).
struct RowLengths {
  Tensor w, a, b;
  double scale = 1;
  int64_t begin = 0;  // first row of w; as many as b has
};
Tensor row_lengths(Graph& g, const RowLengths& of);
// The same into memory of the caller's, where there is no update: |W[begin + i]|.
void row_lengths(const Scalar* w, int64_t rows, int64_t cols, Scalar* out);

// y + (m / length - 1) (y - bias), by column.   y (n, out) with the bias in it; magnitude and
// lengths (1, out) of columns [begin, begin + out) of a wider y; bias (1, columns of y) or empty. y
// is written over if the caller gives it away.
Tensor rescale(Graph& g, Tensor y, const Tensor& bias, const Tensor& magnitude,
               const Tensor& lengths, int64_t begin = 0);

}  // namespace engine
