// Task 10.1: results and their errors.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace task {

struct Summary {
  double mean = 0;
  double deviation = 0;  // of single runs, with k - 1; 0 for one run
  double error = 0;      // of the mean; 0 for one run
};

// Throw std::invalid_argument for no results.
Summary summarise(const std::vector<double>& results);

// The standard error of an accuracy p that was measured on n examples.
double accuracy_error(double p, int n);

// t of the difference mean(a) - mean(b) of independent runs: the difference over
// sqrt(error(a)^2 + error(b)^2).
double welch_t(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace task
