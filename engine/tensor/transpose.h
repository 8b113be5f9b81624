// A transposed copy of a matrix.
#pragma once

#include <cstdint>

#include "engine/tensor/shape.h"

namespace engine {

// out[c * out_stride + r] = in[r * in_stride + c] for r < rows, c < cols, on all threads. An
// out_stride of a large power of two makes the rows of `out` fall onto the same lines of the cache:
// add a line to it.
void transpose(const Scalar* in, int64_t rows, int64_t cols, int64_t in_stride, Scalar* out,
               int64_t out_stride);

}  // namespace engine
