// Task 2.1: the need rule.
#pragma once

#include <cstddef>
#include <vector>

namespace task {

// A tape. Tensors have numbers: 0 .. leaves - 1 are the leaves (parameters and data), and every op
// makes the next one, in order: op 0 makes tensor `leaves`, op 1 the one after it.
struct Op {
  std::vector<int> inputs;  // numbers of tensors that exist already
};

// For every tensor 1 if it needs a gradient, else 0. `trainable` has a 1 or a 0 for every leaf.
std::vector<int> needs(const std::vector<int>& trainable, const std::vector<Op>& ops);

// The ops whose closure runs in backward, in the order in which they run, as indices into `ops`.
// The loss is the last op's tensor; an op that the loss does not depend on gets no gradient and
// does not run, even if it was recorded.
std::vector<int> backward_order(const std::vector<int>& trainable, const std::vector<Op>& ops);

}  // namespace task
