// c = alpha a b^T + beta c for a of few rows: a token, or one of each beam. Such a product is bound
// by reading b, which it does once; a library's kernels for large matrices reach half of the
// memory's speed there.
#pragma once

#include "engine/tensor/bfloat16.h"
#include "engine/tensor/gemm.h"

namespace engine {

inline constexpr int64_t kFewRows = 8;

// Shapes as in gemm(false, true, ...), a.rows <= kFewRows. On all threads by parts of b's rows. An
// element's sum has one order, whatever the number of rows and threads: a row's results do not
// depend on its neighbours.
void few_rows_product(const MatrixRef& a, const MatrixRef& b, Scalar beta, Scalar* c,
                      int64_t c_stride, Scalar alpha);
// The same with b of BF16 values, which are widened as they are read: half of the memory traffic.
void few_rows_product(const MatrixRef& a, const HalfRef& b, Scalar beta, Scalar* c,
                      int64_t c_stride, Scalar alpha);

}  // namespace engine
