#include "task.h"

namespace task {

double sign_flip_p(const std::vector<double>& differences) {
  double seen = 0;
  for (const double d : differences) seen += d;
  const int patterns = 1 << differences.size();
  int extreme = 0;
  for (int pattern = 0; pattern < patterns; ++pattern) {
    double sum = 0;
    for (size_t i = 0; i < differences.size(); ++i)
      sum += pattern >> i & 1 ? differences[i] : -differences[i];
    extreme += std::abs(sum) >= std::abs(seen) - 1e-9;
  }
  return static_cast<double>(extreme) / patterns;
}

std::vector<double> paired(const std::vector<Run>& a, const std::vector<Run>& b) {
  std::vector<double> differences;
  for (const Run& x : a)
    for (const Run& y : b)
      if (x.seed == y.seed) differences.push_back(x.result - y.result);
  return differences;
}

}  // namespace task
