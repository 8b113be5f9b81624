// Task 2.2: what a step costs, by who learns.
#pragma once

#include <cstddef>
#include <vector>

namespace task {

// A linear layer y = x W^T + b; the layers of a stack follow one another, the first reads the data.
struct Layer {
  int in, out;
  bool weight_learns, bias_learns;
};

struct Cost {
  int forward = 0, input_gradients = 0, weight_gradients = 0;  // matrix products
  double flops = 0;                                            // of all of them
  int kept = 0;  // numbers that are kept for backward, the layers' inputs alone
};

// A training step of the stack with n tokens; a loss (which costs nothing here) reads the last
// layer's output.
Cost cost(const std::vector<Layer>& layers, int n);

}  // namespace task
