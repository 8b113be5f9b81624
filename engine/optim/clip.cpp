#include "engine/optim/clip.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/tensor/parallel.h"

namespace engine {
namespace {

// Sixteen running sums side by side, added up in one order: a vector loop with a result that does not depend on the
// width of the vectors.
double sum_of_squares(const Scalar* x, int64_t n) {
  constexpr int64_t kLanes = 16;
  std::array<double, kLanes> lanes{};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
#pragma omp simd
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(x[i + lane]);
      lanes[static_cast<size_t>(lane)] += value * value;
    }
  for (int64_t lane = 0; i < n; ++i, ++lane)
    lanes[static_cast<size_t>(lane)] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

double gradient_norm(const Scalar* grad, int64_t size) {
  // Borders are a function of the size alone: the number of threads decides who sums a part, never what is in it.
  constexpr int64_t kParts = 256;
  const int64_t length = std::max<int64_t>(4096, (size + kParts - 1) / kParts);
  const int64_t parts = (size + length - 1) / length;
  std::array<double, kParts> sums{};
  parallel_for(parts, length, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part)
      sums[static_cast<size_t>(part)] = sum_of_squares(grad + part * length, std::min(length, size - part * length));
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

bool Clip::finite() const { return std::isfinite(norm) && std::isfinite(scale); }

Clip clip_gradients(const ParameterStore::Block& block, double max_norm) {
  Clip clip;
  clip.norm = gradient_norm(block.grad, block.size);
  const double wanted = max_norm / (clip.norm + 1e-6);
  if (max_norm > 0 && !(wanted >= 1)) clip.scale = wanted;  // NaN stays NaN, for finite() to tell
  return clip;
}

}  // namespace engine
