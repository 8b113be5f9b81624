// Task 2.3: an op on the engine's tape.
#pragma once

#include "engine/autograd/graph.h"

namespace task {

// y = log(1 + exp(x)), element by element; also right where exp(x) is too large for a float. Keeps
// one matrix if x needs a gradient, and nothing else. `x.flat()` is all elements as an Eigen array.
engine::Tensor softplus(engine::Graph& g, const engine::Tensor& x);

// y = a x + b, element by element, with a and b of the same shape as x. What is kept depends on
// which of the three need a gradient.
engine::Tensor multiply_add(engine::Graph& g, const engine::Tensor& a, const engine::Tensor& x,
                            const engine::Tensor& b);

}  // namespace task
