#include <stdexcept>

#include "task.h"

namespace task {

Summary summarise(const std::vector<double>& results) {
  if (results.empty()) throw std::invalid_argument("no results");
  const auto k = static_cast<double>(results.size());
  Summary s;
  for (const double x : results) s.mean += x / k;
  if (results.size() == 1) return s;
  double squares = 0;
  for (const double x : results) squares += (x - s.mean) * (x - s.mean);
  s.deviation = std::sqrt(squares / (k - 1));
  s.error = s.deviation / std::sqrt(k);
  return s;
}

double accuracy_error(double p, int n) { return std::sqrt(p * (1 - p) / n); }

double welch_t(const std::vector<double>& a, const std::vector<double>& b) {
  const Summary x = summarise(a), y = summarise(b);
  return (x.mean - y.mean) / std::sqrt(x.error * x.error + y.error * y.error);
}

}  // namespace task
