// The same words as in 01_value, with matrices: a graph, backward, gradients; and the need rule,
// which skips the product for the gradient of a frozen weight.
//
// Output:
//   loss 1.656
//   dloss/dW = -1.375 -4.500
//   W learns:     products forward 1, input gradient 0, weight gradient 1
//   x learns:     products forward 1, input gradient 1, weight gradient 0
//   both learn:   products forward 1, input gradient 1, weight gradient 1
//   nothing does: products forward 1, input gradient 0, weight gradient 0

#include <cstdio>

#include "engine/autograd/graph.h"
#include "engine/base/counters.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"

using engine::Graph;
using engine::Leaf;
using engine::Scalar;
using engine::Tensor;

int main() {
  // Two points (rows) with two features each, one weight a feature: y = x W^T, targets 1 and 2.
  Scalar x_values[] = {1, 2, 0.5, 2}, w_values[] = {0.5, 0}, x_grads[4], w_grads[2];
  const double targets[] = {1, 2};
  engine::Workspace workspace;  // memory that the next step uses again

  const auto step = [&](bool x_learns, bool w_learns) {
    Leaf x, w;  // where a graph ends: storage of our own
    x.shape = {2, 2}, x.value = x_values, x.grad = x_grads, x.trainable = x_learns;
    w.shape = {1, 2}, w.value = w_values, w.grad = w_grads, w.trainable = w_learns;
    engine::counters() = {};
    Graph g(workspace);  // one graph a step; every op computes at once and records its backward
    const Tensor y = engine::linear(g, g.use(x), g.use(w), {});
    const Tensor loss = engine::mse(g, y, targets);
    const Scalar value = *loss.data();
    if (g.needs(loss)) g.backward(loss);
    return value;
  };

  std::printf("loss %.3f\n", step(false, true));
  std::printf("dloss/dW = %.3f %.3f\n", w_grads[0], w_grads[1]);

  const auto show = [&](const char* who, bool x_learns, bool w_learns) {
    step(x_learns, w_learns);
    const engine::Counters& c = engine::counters();
    std::printf("%-13s products forward %d, input gradient %d, weight gradient %d\n", who,
                static_cast<int>(c.forward.calls), static_cast<int>(c.input_gradient.calls),
                static_cast<int>(c.weight_gradient.calls));
  };
  show("W learns:", false, true);
  show("x learns:", true, false);
  show("both learn:", true, true);
  show("nothing does:", false, false);
}
