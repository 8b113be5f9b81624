// Task 10.2: an exact paired test.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace task {

// Two strategies ran with the same seeds; differences[i] is one's result less the other's. Of all
// 2^k ways to choose the signs of the differences, the share whose |sum| is at least |sum| of what
// was seen. Sums that differ by less than 1e-9 are equal. At most 20 differences.
double sign_flip_p(const std::vector<double>& differences);

// The differences of two runs' results by seed. The seeds may stand in any order; those that only
// one side has are left out. In the order of `a`.
struct Run {
  int seed;
  double result;
};
std::vector<double> paired(const std::vector<Run>& a, const std::vector<Run>& b);

}  // namespace task
