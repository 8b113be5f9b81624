#include <doctest/doctest.h>

#include "tests/engine/autograd/support.h"
#include "tests/engine/ops/catalogue.h"

using namespace engine;
using namespace catalogue;
using testing::PoisonedWorkspace;

TEST_CASE("products and saved bytes, for every combination of inputs that need a gradient") {
  for (const auto* cases : {&small_cases(), &large_cases()})
    for (const OpCase& c : *cases) {
      CAPTURE(c.name);
      for (Mask mask = 0; mask <= c.all(); ++mask) {
        CAPTURE(mask);
        PoisonedWorkspace ws;
        const auto inputs = c.inputs(ws);
        counters() = {};
        if (mask == 0) {
          Graph g(ws, c.options);
          const int64_t before = ws.pool.live_bytes();
          const Tensor y = c.call(g, inputs);
          CHECK_FALSE(g.needs(y));
          CHECK(ws.nodes.empty());
          CHECK(counters().saved_bytes == 0);
          CHECK(ws.pool.live_bytes() - before ==
                int64_t(y.bytes()));  // nothing but the result is held
        } else {
          projected_gradients(ws, c.call, inputs, bits(mask, inputs.size()), c.gradcheck_options());
        }
        const Cost expected = c.cost(mask);
        const Counters& found = counters();
        CHECK(found.forward.calls == expected.forward.calls);
        CHECK(found.forward.flops == expected.forward.flops);
        CHECK(found.input_gradient.calls == (mask ? expected.input_gradient.calls : 0));
        CHECK(found.input_gradient.flops == (mask ? expected.input_gradient.flops : 0));
        CHECK(found.weight_gradient.calls == (mask ? expected.weight_gradient.calls : 0));
        CHECK(found.weight_gradient.flops == (mask ? expected.weight_gradient.flops : 0));
        CHECK(found.recomputed == (mask ? expected.recomputed : WorkCount{}));
        CHECK(found.saved_bytes == (mask ? expected.saved_bytes : 0));
      }
    }
}

TEST_CASE("what is said to be saved is what is held between forward and backward") {
  for (const OpCase& c : large_cases()) {
    CAPTURE(c.name);
    for (Mask mask = 1; mask <= c.all(); ++mask) {
      CAPTURE(mask);
      PoisonedWorkspace ws;
      const auto inputs = c.inputs(ws);
      counters() = {};
      Graph g(ws, c.options);
      std::vector<Tensor> leaves = inputs;
      for (size_t i = 0; i < inputs.size(); ++i)
        if (mask >> i & 1) leaves[i] = g.input(inputs[i]);
      const int64_t before = ws.pool.live_bytes();
      const Tensor y = c.call(g, leaves);
      const int64_t held = ws.pool.live_bytes() - before - int64_t(y.bytes());
      // Inputs are held by the test; the rest must be accounted for.
      CHECK(held <= counters().saved_bytes);
    }
  }
}

TEST_CASE("an op on a graph that does not record keeps nothing, and its value is the same") {
  for (const OpCase& c : small_cases()) {
    CAPTURE(c.name);
    PoisonedWorkspace ws;
    const auto inputs = c.inputs(ws);
    Matrix recorded;
    {
      Graph g(ws, c.options);
      std::vector<Tensor> leaves;
      for (const Tensor& t : inputs) leaves.push_back(g.input(t));
      recorded = c.call(g, leaves).mat();
    }
    GraphOptions options = c.options;
    options.record = false;
    Graph g(ws, options);
    counters() = {};
    const Tensor y = c.call(g, inputs);
    CHECK(y.mat() == recorded);
    CHECK(counters().saved_bytes == 0);
    CHECK(ws.nodes.empty());
  }
}
