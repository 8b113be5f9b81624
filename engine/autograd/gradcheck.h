// Are the gradients right? Analytic ones against finite differences. For tests, and for whoever
// writes an op: the installed library has it, in float (examples/07_your_own_op.cpp).
//
//   const OpCheck check = check_op(workspace, [](Graph& g, const std::vector<Tensor>& in) {
//     return my_op(g, in[0], in[1]); }, {x, w});
//   if (!check.right()) std::puts(check.problem.c_str());
//
// Differences are the five-point formula, (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h with h
// a power of two: its error is of order h^4, so double scalars reach 1e-10 where the usual two
// points stop at 1e-8. A function must be smooth within 2h = 2^-9 (2^-4 in the float build) of its
// inputs: keep relu's away from 0.
//
// Differences are taken in graphs that record nothing, so the check also compares an op's inference
// path with its training path.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/autograd/graph.h"

namespace engine {

// Where the two disagree most.
struct GradientError {
  // |analytic - numeric| / max(|analytic|, |numeric|, 1% of the input's largest, 0.01% of all
  // inputs' largest).
  double relative = 0;
  int input = -1;  // -1: nothing was checked
  int64_t row = -1, col = -1;
  double analytic = 0, numeric = 0;

  // "input 2 (4, 3) at (1, 0): analytic 0.25, numeric 0.5, relative error 0.5"
  std::string text() const;
  Shape shape;
};

struct GradcheckOptions {
  uint64_t seed = 1;  // of the projection or direction
  // Dropout, seed and step: the same for every evaluation, so masks are fixed. `record` is ignored.
  GraphOptions graph;
};

using TensorFunction = std::function<Tensor(Graph&, const std::vector<Tensor>&)>;

// Compares d(sum of P * f(inputs)) / d(every element of every input that `needs` one), P normal
// numbers. `needs` empty: all. The inputs' values are moved and put back. Throws engine::Error if a
// gradient is missing or is not finite.
GradientError gradcheck(Workspace& workspace, const TensorFunction& f,
                        const std::vector<Tensor>& inputs, std::vector<bool> needs = {},
                        const GradcheckOptions& options = {});

// The gradients of sum of P * f(inputs), P as in gradcheck: one tensor an input, empty where none
// was wanted.
std::vector<Tensor> projected_gradients(Workspace& workspace, const TensorFunction& f,
                                        const std::vector<Tensor>& inputs,
                                        std::vector<bool> needs = {},
                                        const GradcheckOptions& options = {});

// All that an op has to hold. For every combination of inputs that need a gradient: the gradients
// are those of finite differences, an input that needs none gets none, and the others are the same
// bits as when all are wanted (the need rule changes what is computed, never how).
struct OpCheck {
  GradientError worst;  // over all combinations
  std::string problem;  // the first that does not hold, with its combination; empty: all holds
  int combinations = 0;
  bool right() const { return problem.empty(); }
};
// What rounding leaves: 1e-7 with double scalars, 5e-3 with float ones.
inline constexpr double kOpTolerance = sizeof(Scalar) == 8 ? 1e-7 : 5e-3;
// At most 12 inputs: n of them have 2^n - 1 combinations.
OpCheck check_op(Workspace& workspace, const TensorFunction& f, const std::vector<Tensor>& inputs,
                 const GradcheckOptions& options = {}, double tolerance = kOpTolerance);

// For whole models: <gradient, v> against d/dt loss(leaves + t v) for one random direction v over
// all the leaves at once, in five evaluations however many parameters there are. Every leaf must be
// trainable; loss gives a (1, 1) tensor. Gradients are left in the leaves; values are moved and put
// back.
struct DirectionalError {
  double relative = 0, analytic = 0, numeric = 0;
  std::string text() const;
};
DirectionalError directional_check(Workspace& workspace, const std::vector<Leaf*>& leaves,
                                   const std::function<Tensor(Graph&)>& loss,
                                   const GradcheckOptions& options = {});

}  // namespace engine
