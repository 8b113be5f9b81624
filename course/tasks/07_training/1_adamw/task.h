// Task 7.1: AdamW.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace task {

struct Settings {
  double rate = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};

// What is remembered from step to step. Empty before the first.
struct Moments {
  std::vector<double> m, v;
  int steps = 0;
};

// One update of p with the gradient g (as many numbers as p). PyTorch's form: decay first, then the
// step, with both moments corrected and eps added outside of the root.
void adamw(std::vector<double>& p, const std::vector<double>& g, Moments& moments,
           const Settings& settings);

}  // namespace task
