#include <algorithm>
#include <stdexcept>

#include "task.h"

namespace task {

double clip_scale(const std::vector<std::vector<double>>& gradients, double max) {
  double squares = 0;
  for (const auto& part : gradients)
    for (const double g : part) squares += g * g;
  if (!std::isfinite(squares)) throw std::runtime_error("a gradient is not finite");
  return max <= 0 ? 1 : std::min(1.0, max / (std::sqrt(squares) + 1e-6));
}

double linear_schedule(int made, int total, int warmup) {
  if (made < warmup) return (made + 1.0) / (warmup + 1);
  return std::max(0.0, static_cast<double>(total - made) / (total - warmup));
}

}  // namespace task
