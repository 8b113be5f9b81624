// Statistics of a comparison: few values (seeds), so Student's t and pairs rather than large-sample
// formulas. Agrees with scipy.stats (tests/golden/statistics.json).
//
// For correlations see engine/train/metrics.h.
#pragma once

#include <span>
#include <vector>

namespace apps {

// Mean and standard deviation of a sample (n - 1 in the denominator; 0 for one value).
struct Statistic {
  double mean = 0, deviation = 0;
  int count = 0;
  explicit operator bool() const { return count > 0; }
};
Statistic statistic(const std::vector<double>& values);

// P(|T| >= |t|) of Student's t with `freedom` >= 1 degrees of freedom.
double t_two_sided(double t, int freedom);
// The t with P(|T| <= t) = confidence, 0 < confidence < 1: 4.303 for 0.95 and 2 degrees.
double t_quantile(double confidence, int freedom);

// Half the length of the t-interval of the mean: t_quantile(confidence, n - 1) deviation / sqrt(n).
// Infinite for fewer than two values: one run says nothing about its spread.
double half_interval(const Statistic& s, double confidence = 0.95);

// a[i] - b[i], where i is the same seed: the spread that both share drops out.
struct PairedDifference {
  Statistic difference;
  double half = 0;  // of the confidence interval; infinite for fewer than two pairs
  double p = 1;     // of the two-sided paired t-test; 1 for fewer than two pairs
  // The interval excludes 0. Two equal samples are no difference; a difference without spread is.
  bool separated() const;
};
// Throws engine::Error if the lengths differ.
PairedDifference paired_difference(std::span<const double> a, std::span<const double> b,
                                   double confidence = 0.95);

}  // namespace apps
