// Student's t with whole degrees of freedom n has a closed form (Abramowitz and Stegun, 26.7.3 and
// 26.7.4). With theta = atan(t / sqrt(n)), A = P(|T| <= t) is
//   n = 1:  2 theta / pi
//   odd n:  2/pi (theta + sin theta (cos theta + 2/3 cos^3 theta + 2 4/(3 5) cos^5 theta + ...))
//   even n: sin theta (1 + 1/2 cos^2 theta + 1 3/(2 4) cos^4 theta + ...)
// with (n - 1)/2 or n/2 terms.
#include "apps/compare/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/base/error.h"

namespace apps {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double inside(double theta, int n) {
  const double sine = std::sin(theta), cosine = std::cos(theta);
  const bool odd = n % 2 == 1;
  double term = odd ? cosine : 1, sum = 0;
  for (int k = odd ? 1 : 0; k <= n - 2; k += 2) {
    sum += term;
    term *= cosine * cosine * (k + 1) / (k + 2);
  }
  return odd ? 2 / std::numbers::pi * (theta + sine * sum) : sine * sum;
}

}  // namespace

Statistic statistic(const std::vector<double>& values) {
  Statistic s;
  s.count = static_cast<int>(values.size());
  if (s.count == 0) return s;
  for (const double v : values) s.mean += v / s.count;
  double squares = 0;
  for (const double v : values) squares += (v - s.mean) * (v - s.mean);
  s.deviation = s.count > 1 ? std::sqrt(squares / (s.count - 1)) : 0;
  return s;
}

double t_two_sided(double t, int freedom) {
  engine::check(freedom >= 1, "t_two_sided", freedom, " degrees of freedom, expected at least 1");
  if (std::isnan(t)) return t;
  return std::max(0.0, 1 - inside(std::atan(std::abs(t) / std::sqrt(freedom)), freedom));
}

double t_quantile(double confidence, int freedom) {
  engine::check(freedom >= 1, "t_quantile", freedom, " degrees of freedom, expected at least 1");
  engine::check(confidence > 0 && confidence < 1, "t_quantile", "a confidence of ", confidence,
                ", expected one between 0 and 1");
  double low = 0, high = std::numbers::pi / 2;  // theta: P grows with it
  for (int i = 0; i < 200 && high - low > 0; ++i) {
    const double middle = (low + high) / 2;
    if (middle == low || middle == high) break;
    (inside(middle, freedom) < confidence ? low : high) = middle;
  }
  return std::sqrt(freedom) * std::tan((low + high) / 2);
}

double half_interval(const Statistic& s, double confidence) {
  if (s.count < 2) return kInfinity;
  return t_quantile(confidence, s.count - 1) * s.deviation / std::sqrt(s.count);
}

bool PairedDifference::separated() const {
  return difference.count >= 2 && std::abs(difference.mean) > half && difference.mean != 0;
}

PairedDifference paired_difference(std::span<const double> a, std::span<const double> b,
                                   double confidence) {
  engine::check(a.size() == b.size(), "paired_difference", a.size(), " values and ", b.size(),
                ": pairs are of the same seed");
  std::vector<double> differences;
  for (size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  PairedDifference out;
  out.difference = statistic(differences);
  out.half = half_interval(out.difference, confidence);
  const int n = out.difference.count;
  if (n < 2) return out;
  if (out.difference.deviation > 0)
    out.p = t_two_sided(out.difference.mean / out.difference.deviation * std::sqrt(n), n - 1);
  else
    out.p = out.difference.mean == 0 ? 1 : 0;
  return out;
}

}  // namespace apps
