#include <algorithm>
#include <cmath>

#include "task.h"

namespace task {

Result multiply(double a, double b) { return {a * b, b, a}; }

Result divide(double a, double b) { return {a / b, 1 / b, -a / (b * b)}; }

Result sigmoid(double a) {
  const double y = 1 / (1 + std::exp(-a));
  return {y, y * (1 - y)};
}

Result relu(double a) { return a > 0 ? Result{a, 1} : Result{}; }

Result log_add_exp(double a, double b) {
  const double most = std::max(a, b);
  const double ea = std::exp(a - most), eb = std::exp(b - most), sum = ea + eb;
  return {most + std::log(sum), ea / sum, eb / sum};
}

}  // namespace task
