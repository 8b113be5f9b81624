// BF16, the upper half of a float: 8 exponent bits as float has, 7 fraction bits. Half the memory
// of a weight, and what matrix units of newer processors multiply.
#pragma once

#include <bit>
#include <cstdint>

#include "engine/tensor/shape.h"

namespace engine {

struct BFloat16 {
  uint16_t bits;
};

inline float widened(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}
// Rounded to the nearest, ties to even, as torch does; NaN stays NaN.
inline BFloat16 narrowed(float value) {
  // Half of the last place that stays, less one, and its own bit: what rounds ties to even. No
  // branch, so that a loop of it becomes vector instructions.
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40;  // a NaN whose lower half is all it had must stay one
  return {static_cast<uint16_t>(value != value ? nan : rounded)};
}

// Many, on the calling thread.
void narrow(const Scalar* from, int64_t n, BFloat16* to);
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
