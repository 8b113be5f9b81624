#include "engine/tensor/bfloat16.h"

namespace engine {

void narrow(const Scalar* from, int64_t n, BFloat16* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = narrowed(static_cast<float>(from[i]));
}

void widen(const BFloat16* from, int64_t n, Scalar* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<Scalar>(widened(from[i]));
}

}  // namespace engine
