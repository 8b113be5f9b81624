// oneDNN's products of BF16 matrices: only for half_gemm.cpp.
#pragma once

#include "engine/tensor/bfloat16.h"

namespace engine::onednn_bf16 {

// Null if this build has no oneDNN, or the processor no instructions for such products (as far as
// oneDNN may use them: ONEDNN_MAX_CPU_ISA); else their name.
const char* instructions();

struct Product {
  int64_t m, n, k;
  bool transpose_a, transpose_b;
  int64_t a_stride, b_stride, c_stride;
  bool add;  // to what c holds

  bool operator==(const Product&) const = default;
};

// c = op(a) op(b) [+ c], on the threads that OpenMP has here. What oneDNN makes for a product (its
// instructions, its working memory) stays with the calling thread, for the next of the same kind.
void multiply(const Product& product, const BFloat16* a, const BFloat16* b, float* c);

}  // namespace engine::onednn_bf16
