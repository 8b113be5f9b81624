// Task 7.2: the length of a gradient, and the rate over time.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace task {

// What all gradients are multiplied by so that their common length is at most `max`:
// min(1, max / (norm + 1e-6)), norm over all numbers of all parameters. max <= 0: no clipping.
// Throw std::runtime_error if a gradient is not finite.
double clip_scale(const std::vector<std::vector<double>>& gradients, double max);

// The factor on the learning rate for the next update, after `made` updates, of `total`:
// in the warm-up, (made + 1) / (warmup + 1) while made < warmup;
// then from 1 at made == warmup in a line to 0 at made == total. After that 0.
double linear_schedule(int made, int total, int warmup);

}  // namespace task
