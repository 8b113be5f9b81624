// An op of one's own, and how to find out whether its gradients are right: central differences for
// every combination of inputs that need one. docs/adding_an_op.md has the rules of an op.
//
// Output:
//   right:     3 combinations, all hold
//   no scale:  where input 0 needs a gradient: the gradient of input 0 is wrong by a factor of 3.00
//   overwrites: the same op twice on one input is wrong by a factor of 0.50

#include <cstdio>

#include "engine/autograd/gradcheck.h"

using engine::Backward;
using engine::Graph;
using engine::Scalar;
using engine::Tensor;
using Inputs = const std::vector<Tensor>&;

enum class Mistake { none, no_scale, overwrites };

// y = 3 a b, element by element:  da = 3 b dy,  db = 3 a dy. Each needs the other's values, and
// they are kept only if it is wanted.
static Tensor triple_product(Graph& g, const Tensor& a, const Tensor& b, Mistake mistake) {
  Tensor y = g.make(a.shape());
  y.flat() = 3 * a.flat() * b.flat();
  const Tensor as = g.keep(a, {b}), bs = g.keep(b, {a});
  return g.record("triple_product", y, {a, b}, [=](Backward& bw) {
    const Scalar scale = mistake == Mistake::no_scale ? 1 : 3;
    if (auto da = bw.into(as)) {
      if (mistake == Mistake::overwrites) da.beta = 0;  // gradients of an input add up
      da.put(scale * bs.flat() * bw.dy().flat());
    }
    if (auto db = bw.into(bs)) db.put(3 * as.flat() * bw.dy().flat());
  });
}

int main() {
  engine::Workspace workspace;
  Scalar a_values[] = {1, -2, 0.5, 3, 0.25, -1}, b_values[] = {2, 1, -1, 0.5, 4, 3};
  const Tensor a({2, 3}, a_values), b({2, 3}, b_values);
  const auto op = [](Mistake mistake) {
    return [mistake](Graph& g, Inputs in) { return triple_product(g, in[0], in[1], mistake); };
  };

  const engine::OpCheck right = check_op(workspace, op(Mistake::none), {a, b});
  std::printf("right:     %d combinations, %s\n", right.combinations,
              right.right() ? "all hold" : right.problem.c_str());

  const engine::OpCheck wrong = check_op(workspace, op(Mistake::no_scale), {a, b});
  std::printf("no scale:  %.31s the gradient of input %d is wrong by a factor of %.2f\n",
              wrong.problem.c_str(), wrong.worst.input, wrong.worst.numeric / wrong.worst.analytic);

  // Used once, an op that overwrites looks right. So use it twice on the same input.
  const auto twice = [](Graph& g, Inputs in) {
    const Tensor first = triple_product(g, in[0], in[1], Mistake::overwrites);
    return triple_product(g, in[0], first, Mistake::overwrites);
  };
  const engine::GradientError error = gradcheck(workspace, twice, {a, b}, {true, false});
  std::printf("overwrites: the same op twice on one input is wrong by a factor of %.2f\n",
              error.analytic / error.numeric);
}
