// Where the tape ends: storage that is not an op's result. A parameter is a leaf with a name
// (engine/nn/parameter.h).
#pragma once

#include <algorithm>

#include "engine/autograd/written_rows.h"
#include "engine/tensor/bfloat16.h"
#include "engine/tensor/tensor.h"

namespace engine {

struct Leaf {
  Shape shape;
  Scalar* value = nullptr;  // may point into a read-only mapped file when the leaf is frozen
  Scalar* grad = nullptr;   // same shape; null when frozen
  // The same values as BF16, for products: a frozen leaf may have these alone (`value` is null),
  // of a trainable one they are a copy (ParameterStore::refresh_half).
  HalfWeight half;
  bool trainable = false;
  // False: the next gradient is written over (beta = 0), so nothing needs zeroing.
  bool grad_written = false;
  // Of a table that ops look rows up in: the rows whose gradient may be other than zero in memory.
  WrittenRows* rows = nullptr;

  // The values of row r, however they are held.
  void read_row(int64_t r, Scalar* to) const {
    if (value)
      std::copy_n(value + r * shape.cols, shape.cols, to);
    else
      widen(half.data + r * shape.cols, shape.cols, to);
  }

  // Makes the gradient zero, where it is not.
  void zero_grad();

  // The leaf's identity in the graph that used it last; Graph::use keeps these.
  uint64_t graph = 0;
  int32_t id = -1;
};

}  // namespace engine
