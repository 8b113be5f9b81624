// Task 1.3: the gradients of a formula.
#pragma once

#include <cstddef>
#include <vector>

namespace task {

// One number of a formula: which numbers it was made from (their indices, all smaller than its
// own), and its derivative with respect to each. A number that was made from nothing is an input of
// the formula.
struct Node {
  std::vector<int> inputs;
  std::vector<double> derivatives;  // as many as inputs
};

// nodes stands in the order in which the numbers were made; the last one is the result. Returns for
// every number the derivative of the result with respect to it. Visits every node once.
std::vector<double> backward(const std::vector<Node>& nodes);

}  // namespace task
