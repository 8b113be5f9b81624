// A network and a strategy of your own, outside any model family: LoRA goes into its first layer by
// name, the rest is decided by a strategy that this file defines.
//
// Output:
//   before:
//     first.weight          learns  no   16 x 2
//     first.bias            learns  no   1 x 16
//     second.weight         learns  yes  2 x 16
//     second.bias           learns  yes  1 x 2
//   with LoRA in first:
//     first.weight          learns  no   16 x 2
//     first.bias            learns  no   1 x 16
//     first.lora_A.weight   learns  yes  1 x 2
//     first.lora_B.weight   learns  yes  16 x 1
//     second.weight         learns  yes  2 x 16
//     second.bias           learns  yes  1 x 2
//   LoRA changes nothing at the start: yes
//   52 of 100 parameters learn, first.weight stays as it was: yes
//   the loss fell: yes
//   merged: the largest change of a logit is below 1e-5: yes
//   with the strategy of this file, weights of first learn, biases do not:
//     first.weight          learns  yes  16 x 2
//     first.bias            learns  no   1 x 16
//     second.weight         learns  yes  2 x 16
//     second.bias           learns  yes  1 x 2

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"
#include "engine/ops/loss.h"
#include "engine/optim/adamw.h"
#include "peft/strategy.h"

using engine::Activation;
using engine::Graph;
using engine::Linear;
using engine::Parameter;
using engine::Role;
using engine::Scalar;
using engine::Tensor;

struct Net : engine::Module {
  Linear first{*this, "first", 2, 16, Role::other, 0};
  Linear second{*this, "second", 16, 2, Role::head, 1};  // a head learns with every strategy

  Tensor operator()(Graph& g, const Tensor& x) { return second(g, first(g, x, Activation::tanh)); }

  engine::Sites sites() {
    engine::Sites sites = engine::collect_sites(*this);
    sites.model_type = "net";
    sites.layers = 2;
    return sites;
  }
};

// A strategy is a rule that says which parameters learn. This one: weights, not biases.
class WeightsOnly : public peft::Strategy {
 public:
  std::string name() const override { return "weights_only"; }
  double default_learning_rate() const override { return 1e-2; }

 protected:
  bool selects(const Parameter& p) const override { return !p.bias; }
};

void print(Net& net) {
  net.visit([](Parameter& p) {
    std::printf("  %-21s learns  %-3s  %d x %d\n", p.name.c_str(), p.trainable ? "yes" : "no",
                static_cast<int>(p.shape.rows), static_cast<int>(p.shape.cols));
  });
}

// Four points of two classes.
Scalar kInputs[] = {0, 0, 0, 1, 1, 0, 1, 1};
const double kClasses[] = {0, 1, 1, 0};

std::vector<Scalar> logits(Net& net) {
  engine::Workspace workspace;
  Graph g(workspace, {.record = false});
  const Tensor y = net(g, Tensor({4, 2}, kInputs));
  return {y.data(), y.data() + y.size()};
}

const char* yes(bool so) { return so ? "yes" : "no"; }

int main() {
  Net plain;
  {
    const auto frozen = peft::make_strategy("frozen");
    auto sites = plain.sites();
    peft::apply(*frozen, sites, plain);
    std::printf("before:\n");
    print(plain);
  }
  engine::ParameterStore plain_store(plain);
  plain_store.allocate();
  plain_store.initialise(1);

  Net net;
  const auto lora = peft::make_strategy("lora:r=1,pattern=first");
  auto sites = net.sites();
  peft::apply(*lora, sites, net);  // adds modules, marks what learns
  engine::ParameterStore store(net);
  store.allocate();
  store.initialise(1);  // the same values by name as in `plain`
  std::printf("with LoRA in first:\n");
  print(net);
  std::printf("LoRA changes nothing at the start: %s\n", yes(logits(net) == logits(plain)));

  const std::vector<Scalar> before(net.first.weight.value,
                                   net.first.weight.value + net.first.weight.count());
  engine::Workspace workspace;
  engine::AdamW optimizer(store.block());
  Scalar first_loss = 0, loss = 0;
  for (int step = 0; step < 200; ++step) {
    Graph g(workspace);
    store.clear_gradients();
    const Tensor l = engine::cross_entropy(g, net(g, Tensor({4, 2}, kInputs)), kClasses);
    loss = *l.data();
    if (step == 0) first_loss = loss;
    g.backward(l);
    store.settle_gradients();
    optimizer.step(0.02);
  }
  std::printf("%d of %d parameters learn, first.weight stays as it was: %s\n",
              static_cast<int>(store.trainable_count()), static_cast<int>(store.total_count()),
              yes(std::equal(before.begin(), before.end(), net.first.weight.value)));
  std::printf("the loss fell: %s\n", yes(loss < first_loss));

  const std::vector<Scalar> unmerged = logits(net);
  lora->merge(store);  // W += B A; B becomes zero
  const std::vector<Scalar> merged = logits(net);
  double change = 0;
  for (size_t i = 0; i < merged.size(); ++i)
    change = std::max(change, std::abs(static_cast<double>(merged[i] - unmerged[i])));
  std::printf("merged: the largest change of a logit is below 1e-5: %s\n", yes(change < 1e-5));

  Net own;
  WeightsOnly weights_only;
  auto own_sites = own.sites();
  peft::apply(weights_only, own_sites, own);
  std::printf("with the strategy of this file, weights of first learn, biases do not:\n");
  print(own);
}
