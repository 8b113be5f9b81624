#include <doctest/doctest.h>

#include <map>

#include "engine/autograd/gradcheck.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::PoisonedWorkspace;

namespace {

// x -> factor x before the product, y -> y + shift after it; says when it was called, and with
// which x.
struct Probe : LinearHook {
  Probe(std::string name, Scalar factor, std::vector<std::string>& log)
      : name_(std::move(name)), factor_(factor), log_(log) {
    declare(scale_, "probe_" + name_, {1}, Role::injected, 0, Init::ones);
  }
  Tensor input(Graph& g, Tensor x) override {
    log_.push_back(name_ + ".input " + std::to_string(int(x.data()[0])));
    return scale(g, std::move(x), factor_);
  }
  Tensor output(Graph&, const Tensor& x, Tensor y) override {
    log_.push_back(name_ + ".output " + std::to_string(int(x.data()[0])) + " " +
                   std::to_string(int(y.data()[0])));
    y.flat() += 1;
    return y;
  }
  Parameter scale_;
  std::string name_;
  Scalar factor_;
  std::vector<std::string>& log_;
};

struct Setup {
  Linear layer{2, 1, Role::query, 0};
  std::unique_ptr<ParameterStore> store;
  PoisonedWorkspace ws;
  void start() {
    store = std::make_unique<ParameterStore>(layer);
    store->allocate();
    store->initialise(1);
    layer.weight.value[0] = 1, layer.weight.value[1] = 10;
    layer.bias.value[0] = 100;
  }
};

}  // namespace

TEST_CASE("a linear layer") {
  Setup s;
  s.start();
  CHECK(s.layer.in() == 2);
  CHECK(s.layer.out() == 1);
  Tensor x = s.ws.tensor({1, 2});
  x.flat() << 2, 3;
  Graph g(s.ws);
  CHECK(*s.layer(g, x).data() == 132);
  CHECK(*s.layer(g, x, Activation::relu).data() == 132);
  Linear plain(2, 1, Role::query, 0, false);
  CHECK_FALSE(plain.has_bias);
  int count = 0;
  plain.visit([&](Parameter&) { ++count; });
  CHECK(count == 1);
}

TEST_CASE("hooks run in the order in which they were added; output sees the layer's own input") {
  Setup s;
  std::vector<std::string> log;
  s.layer.add_hook(std::make_unique<Probe>("a", Scalar(2), log));
  s.layer.add_hook(std::make_unique<Probe>("b", Scalar(5), log));
  s.start();
  std::vector<std::string> names;
  for (const Parameter* p : s.store->all()) names.push_back(p->name);
  CHECK(names == std::vector<std::string>{"weight", "bias", "probe_a", "probe_b"});
  Tensor x = s.ws.tensor({1, 2});
  x.flat() << 2, 3;
  Graph g(s.ws);
  const Tensor y = s.layer(g, x);
  CHECK(log == std::vector<std::string>{"a.input 2", "b.input 4", "a.output 2 420",
                                        "b.output 2 421"});  // 20 + 300 + 100
  CHECK(*y.data() == 422);
  CHECK(x.data()[0] == 2);                                // scale copies: the caller holds x
  CHECK(*s.layer(g, x, Activation::relu).data() == 422);  // not fused past the hooks
  CHECK(s.layer.hooks().size() == 2);
}

TEST_CASE("the same hook twice is two parameters of one name") {
  Setup s;
  std::vector<std::string> log;
  s.layer.add_hook(std::make_unique<Probe>("a", Scalar(2), log));
  s.layer.add_hook(std::make_unique<Probe>("a", Scalar(2), log));
  CHECK_THROWS_WITH_AS(ParameterStore{s.layer},
                       doctest::Contains("two parameters are named probe_a"), Error);
}

TEST_CASE("a layer whose hooks were removed is plain again, names included") {
  Setup s;
  std::vector<std::string> log;
  s.layer.add_hook(std::make_unique<Probe>("a", Scalar(2), log));
  s.layer.remove_hooks();
  std::vector<std::string> names;
  s.layer.visit(
      [&](Parameter& p) { names.push_back(p.name); });  // must not reach the hook that is gone
  CHECK(names == std::vector<std::string>{"weight", "bias"});
}

TEST_CASE("a small network: one directional derivative, whatever trains") {
  struct Net : Module {
    Net() {
      declare(in, "in");
      declare(norm, "norm");
      declare(out, "out");
    }
    Tensor operator()(Graph& g, const Tensor& x, const double* labels) {
      const Tensor h = in(g, x, Activation::gelu);
      return cross_entropy(g, out(g, norm(g, h, h, 0.1)), labels);
    }
    Linear in{5, 7, Role::ffn_in, 0};
    LayerNorm norm{7, 1e-5, Role::ffn_norm, 0};
    Linear out{7, 3, Role::head, 0};
  };
  const double labels[] = {0, 2, 1, 1};
  for (unsigned mask = 1; mask < 64; ++mask) {
    Net net;
    ParameterStore store(net);
    std::vector<Leaf*> leaves;
    for (size_t i = 0; i < 6; ++i) {
      store.all()[i]->trainable = (mask >> i & 1) != 0;
      store.all()[i]->init = Init::normal;
      store.all()[i]->init_std = 0.5;
      if (store.all()[i]->trainable) leaves.push_back(store.all()[i]);
    }
    store.allocate();
    store.initialise(3);
    PoisonedWorkspace ws;
    const Tensor x = ws.tensor({4, 5});
    GradcheckOptions options;
    options.graph.dropout = true;
    const DirectionalError error = directional_check(
        ws, leaves, [&](Graph& g) { return net(g, x, labels); }, options);
    CAPTURE(mask);
    INFO(error.text());
#ifdef PEFT_SCALAR_DOUBLE
    CHECK(error.relative < 1e-7);
#else
    CHECK(error.relative < 0.05);
#endif
  }
}
