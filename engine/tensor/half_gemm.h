// Matrix products with factors of BF16 values (engine/tensor/bfloat16.h). Sums are of floats.
#pragma once

#include "engine/base/counters.h"
#include "engine/tensor/bfloat16.h"
#include "engine/tensor/gemm.h"

namespace engine {

// Whether this build and processor multiply BF16 values: oneDNN, and AVX-512 with BF16 or AMX.
// Without it, HalfArithmetic::bf16 gives the same products, rounded alike, by widening: slower than
// float, for tests.
bool has_bf16_products();
// "amx_bf16" or "avx512_bf16"; empty without them.
const char* bf16_instructions();

// c (m, n) = a op(b) + beta c, with op(b) = b or b^T; c has rows of `c_stride` scalars (0: n).
// Counted and threaded as gemm(); deterministic() holds for it too. A product of few rows with b^T
// does not narrow a: it is bound by reading b.
void half_gemm(bool transpose_b, const MatrixRef& a, const HalfRef& b, HalfArithmetic arithmetic,
               Scalar beta, Scalar* c, Work work = Work::forward, int64_t c_stride = 0);

// The same with both factors narrowed by the caller, by HalfArithmetic::bf16.
void half_gemm(bool transpose_a, bool transpose_b, const HalfRef& a, const HalfRef& b, Scalar beta,
               Scalar* c, Work work = Work::forward, int64_t c_stride = 0);

// On all threads, into rows of `to_stride` values.
void narrow(const MatrixRef& a, BFloat16* to, int64_t to_stride);

}  // namespace engine
