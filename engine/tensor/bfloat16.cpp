#include "engine/tensor/bfloat16.h"

#include <bit>

namespace engine {

void narrow(const Scalar* from, int64_t n, BFloat16* to) {
  // Half of the last place that stays, less one, and its own bit: what rounds ties to even. No
  // branch, so that the loop becomes vector instructions.
  for (int64_t i = 0; i < n; ++i) {
    const auto value = static_cast<float>(from[i]);
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    const uint32_t nan = (bits >> 16) | 0x40;  // a NaN whose lower half is all it had must stay one
    to[i].bits = static_cast<uint16_t>(value != value ? nan : rounded);
  }
}

void widen(const BFloat16* from, int64_t n, Scalar* to) {
  for (int64_t i = 0; i < n; ++i)
    to[i] = static_cast<Scalar>(std::bit_cast<float>(uint32_t{from[i].bits} << 16));
}

}  // namespace engine
