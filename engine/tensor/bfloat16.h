// BF16, the upper half of a float: 8 exponent bits as float has, 7 fraction bits. Half the memory
// of a weight, and what matrix units of newer processors multiply.
#pragma once

#include <cstdint>

#include "engine/tensor/shape.h"

namespace engine {

struct BFloat16 {
  uint16_t bits;
};

// Rounded to the nearest, ties to even, as torch does; NaN stays NaN. On the calling thread.
void narrow(const Scalar* from, int64_t n, BFloat16* to);
// Exact.
void widen(const BFloat16* from, int64_t n, Scalar* to);

// A matrix of BF16 values in memory: element (r, c) is data[r * stride + c].
struct HalfRef {
  const BFloat16* data;
  int64_t rows, cols, stride;
};

// How products with BF16 weights are computed.
//   fp32: the weights are widened, a panel at a time; any processor
//   bf16: the other factor is narrowed too, products of two BF16 values are added in float
enum class HalfArithmetic { fp32, bf16 };

// The values of a weight (rows, cols) as BF16, dense; none for a weight that is not held so.
struct HalfWeight {
  const BFloat16* data = nullptr;
  HalfArithmetic arithmetic = HalfArithmetic::fp32;

  explicit operator bool() const { return data != nullptr; }
};

}  // namespace engine
