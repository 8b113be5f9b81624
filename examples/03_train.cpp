// Training a network of two layers on XOR: modules declare parameters, a store lays them out, a
// loop of forward, backward and AdamW changes them.
//
// Output:
//   first.weight       8 x 2
//   first.bias         1 x 8
//   second.weight      2 x 8
//   second.bias        1 x 2
//   42 parameters
//   loss went from above 0.6 to below 0.01
//   0 xor 0 = 0
//   0 xor 1 = 1
//   1 xor 0 = 1
//   1 xor 1 = 0

#include <cstdio>

#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"
#include "engine/ops/loss.h"
#include "engine/optim/adamw.h"

using engine::Activation;
using engine::Graph;
using engine::Linear;
using engine::Role;
using engine::Scalar;
using engine::Tensor;

struct Net : engine::Module {
  // Each member says its name, its size, what it is for, and its layer.
  Linear first{*this, "first", 2, 8, Role::other, 0};
  Linear second{*this, "second", 8, 2, Role::head, 1};

  Tensor operator()(Graph& g, const Tensor& x) { return second(g, first(g, x, Activation::tanh)); }
};

int main() {
  Net net;
  set_init_std(net, 0.5);
  net.visit([](engine::Parameter& p) { p.trainable = true; });
  engine::ParameterStore store(net);
  store.allocate();     // one block of values, one of gradients
  store.initialise(1);  // a function of the seed and each parameter's name
  for (const engine::Parameter* p : store.all())
    std::printf("%-18s %d x %d\n", p->name.c_str(), static_cast<int>(p->shape.rows),
                static_cast<int>(p->shape.cols));
  std::printf("%d parameters\n", static_cast<int>(store.trainable_count()));

  Scalar inputs[] = {0, 0, 0, 1, 1, 0, 1, 1};
  const double classes[] = {0, 1, 1, 0};
  engine::Workspace workspace;
  engine::AdamW optimizer(store.block());
  Scalar first_loss = 0, loss = 0;
  for (int step = 0; step < 300; ++step) {
    Graph g(workspace);
    store.clear_gradients();
    const Tensor l = engine::cross_entropy(g, net(g, Tensor({4, 2}, inputs)), classes);
    loss = *l.data();
    if (step == 0) first_loss = loss;
    g.backward(l);
    store.settle_gradients();
    optimizer.step(0.03);
  }
  std::printf("loss went from %s to %s\n", first_loss > 0.6 ? "above 0.6" : "0.6 or less",
              loss < 0.01 ? "below 0.01" : "0.01 or more");

  Graph g(workspace, {.record = false});
  const Tensor logits = net(g, Tensor({4, 2}, inputs));
  for (int i = 0; i < 4; ++i)
    std::printf("%g xor %g = %d\n", inputs[2 * i], inputs[2 * i + 1],
                logits.row(i)[1] > logits.row(i)[0] ? 1 : 0);
}
