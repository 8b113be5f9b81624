#include "engine/autograd/graph.h"

#include <doctest/doctest.h>

#include "engine/ops/activation.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::OwnedLeaf;
using testing::PoisonedWorkspace;

namespace {

const double kTargets[] = {0.5, -1, 2};

Tensor loss_of(Graph& g, const Tensor& y) { return mse(g, y, kTargets); }

}  // namespace

TEST_CASE("a gradient by hand") {
  // y = 3 x with x = (1, 2, 3)^T, loss = mean (y - t)^2: dloss/dx_i = 2/3 (3 x_i - t_i) 3 = 2 (3
  // x_i - t_i)
  PoisonedWorkspace ws;
  Tensor x = ws.tensor({3, 1});
  x.flat() << 1, 2, 3;
  Graph g(ws);
  const Tensor in = g.input(x);
  g.backward(loss_of(g, scale(g, in, 3)));
  const Tensor dx = g.grad(in);
  CHECK(dx.data()[0] == doctest::Approx(5));
  CHECK(dx.data()[1] == doctest::Approx(14));
  CHECK(dx.data()[2] == doctest::Approx(14));
}

TEST_CASE("the seed scales every gradient") {
  PoisonedWorkspace ws;
  OwnedLeaf w({1, 2}, true);
  const Tensor x = ws.tensor({3, 2}, 2);
  std::vector<Scalar> once;
  {
    Graph g(ws);
    g.backward(loss_of(g, linear(g, x, g.use(w), {})));
    once = w.grads;
  }
  w.grad_written = false;
  Graph g(ws);
  g.backward(loss_of(g, linear(g, x, g.use(w), {})), 4);
  for (size_t i = 0; i < once.size(); ++i) CHECK(w.grads[i] == doctest::Approx(4 * once[i]));
}

TEST_CASE("nothing is recorded below the lowest trainable parameter") {
  PoisonedWorkspace ws;
  OwnedLeaf w0({4, 3}, false), b0({1, 4}, false), w1({2, 4}, false), b1({1, 2}, true),
      w2({1, 2}, false);
  const Tensor x = ws.tensor({3, 3}, 2);
  counters() = {};
  Trace trace;
  GraphOptions options;
  options.trace = &trace;
  Graph g(ws, options);
  const Tensor h0 = linear_activation(g, x, g.use(w0), g.use(b0), Activation::gelu);
  CHECK_FALSE(g.needs(h0));
  CHECK(ws.nodes.empty());
  CHECK(counters().saved_bytes == 0);
  const Tensor h1 = linear(g, h0, g.use(w1), g.use(b1));
  CHECK(g.needs(h1));
  const Tensor y = linear(g, h1, g.use(w2), {});
  CHECK(ws.nodes.size() == 2);
  CHECK(counters().saved_bytes == 0);  // a frozen weight keeps no input, and a bias none either
  g.backward(loss_of(g, y));
  CHECK(counters().weight_gradient.calls == 0);
  CHECK(counters().input_gradient.calls == 1);  // through w2, down to b1; not through w1
  CHECK(counters().steps == 1);
  std::vector<std::string> recorded;
  for (const TraceEntry& e : trace)
    if (e.recorded && !e.leaf) recorded.push_back(e.op);
  CHECK(recorded == std::vector<std::string>{"linear", "linear", "mse"});
}

TEST_CASE("a leaf used twice is one tensor, and its gradients add") {
  PoisonedWorkspace ws;
  OwnedLeaf w({3, 3}, true);
  const Tensor x = ws.tensor({3, 3}, 5);
  Graph g(ws);
  const Tensor a = g.use(w), b = g.use(w);
  CHECK(a.id() == b.id());
  // y = sum of x W^T W^T, through a (3, 1) column
  OwnedLeaf column({1, 3}, false, 9);
  const Tensor y = linear(g, linear(g, linear(g, x, a, {}), b, {}), g.use(column), {});
  g.backward(loss_of(g, y));
  // dW = dy1^T x + dy2^T (x W^T), by hand with Eigen
  using M = Matrix;
  const Eigen::Map<M> W(w.values.data(), 3, 3), C(column.values.data(), 1, 3);
  const M X = x.mat(), H = X * W.transpose(), H2 = H * W.transpose(), Y = H2 * C.transpose();
  M dY(3, 1);
  for (int i = 0; i < 3; ++i) dY(i, 0) = Scalar(2.0 / 3) * (Y(i, 0) - Scalar(kTargets[i]));
  const M dH2 = dY * C, dH = dH2 * W, expected = dH2.transpose() * H + dH.transpose() * X;
  for (int i = 0; i < 9; ++i)
    CHECK(w.grads[static_cast<size_t>(i)] == doctest::Approx(expected.data()[i]).epsilon(1e-4));
}

TEST_CASE("the first gradient of a step is written over, unless it is not") {
  PoisonedWorkspace ws;
  OwnedLeaf w({1, 3}, true);  // its gradient begins as -1
  const Tensor x = ws.tensor({3, 3}, 5);
  const auto step = [&] {
    Graph g(ws);
    g.backward(loss_of(g, linear(g, x, g.use(w), {})));
  };
  step();
  const auto once = w.grads;
  step();  // grad_written is still set: micro-batches accumulate
  for (size_t i = 0; i < 3; ++i) CHECK(w.grads[i] == doctest::Approx(2 * once[i]));
  w.grad_written = false;
  step();
  CHECK(w.grads == once);
}

TEST_CASE("a leaf that had no part in the loss keeps grad_written false") {
  PoisonedWorkspace ws;
  OwnedLeaf used({1, 3}, true), unused({1, 3}, true);
  const Tensor x = ws.tensor({3, 3}, 5);
  Graph g(ws);
  const Tensor y = linear(g, x, g.use(used), {});
  const Tensor dead =
      linear(g, x, g.use(unused), {});  // recorded, and never asked for its gradient
  g.backward(loss_of(g, y));
  CHECK(used.grad_written);
  CHECK_FALSE(unused.grad_written);
  CHECK(unused.grads[0] == -1);
  CHECK(g.needs(dead));
}

TEST_CASE("an input that had no part in the loss has an empty gradient") {
  PoisonedWorkspace ws;
  Graph g(ws);
  const Tensor a = g.input(ws.tensor({3, 1})), b = g.input(ws.tensor({3, 1}));
  g.backward(loss_of(g, scale(g, a, 2)));
  CHECK(static_cast<bool>(g.grad(a)));
  CHECK_FALSE(static_cast<bool>(g.grad(b)));
}

TEST_CASE("a graph that does not record needs nothing") {
  PoisonedWorkspace ws;
  OwnedLeaf w({1, 3}, true);
  counters() = {};
  GraphOptions options;
  options.record = false;
  Graph g(ws, options);
  const Tensor y = linear(g, g.input(ws.tensor({3, 3}, 5)), g.use(w), {});
  CHECK_FALSE(g.needs(y));
  CHECK(ws.nodes.empty());
  CHECK(counters().saved_bytes == 0);
  CHECK_THROWS_WITH_AS(
      g.backward(loss_of(g, y)),
      "backward: no trainable parameter has a part in the loss\n"
      "hint: choose a strategy that trains something, or check what its pattern matched",
      Error);
}

TEST_CASE("errors of the graph") {
  PoisonedWorkspace ws;
  {
    Graph g(ws);
    const Tensor x = g.input(ws.tensor({3, 1}));
    CHECK_THROWS_WITH_AS(g.backward(scale(g, x, 2)),
                         "backward: the loss has shape (3, 1), and must be (1, 1)", Error);
    CHECK_THROWS_WITH_AS(Graph(ws, {}), "graph: this workspace is in use by another graph", Error);
    Leaf without_values;
    without_values.shape = {2, 2};
    CHECK_THROWS_AS(g.use(without_values), Error);
    const Tensor loss = loss_of(g, scale(g, x, 2));
    g.backward(loss);
    CHECK_THROWS_AS(g.backward(loss), Error);  // the tape is gone
  }
  Graph again(ws);  // the first is gone
}

TEST_CASE("an exception in forward or backward leaves the workspace usable and the pool empty") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({3, 3});
  const int64_t before = ws.pool.live_bytes();
  for (const bool in_backward : {false, true}) {
    CHECK_THROWS_WITH(
        [&] {
          Graph g(ws);
          const Tensor a = activation(g, g.input(x), Activation::gelu);
          const Tensor kept = g.keep(a, true);
          const Tensor b = g.record("bad", scale(g, a, 2), {a}, [kept](Backward& bw) {
            bw.scratch({5, 5});
            throw Error("from backward");
          });
          if (!in_backward) throw Error("from forward");
          const Tensor column = g.make({1, 3});
          column.flat().setOnes();
          g.backward(loss_of(g, linear(g, b, column, {})));
        }(),
        in_backward ? "from backward" : "from forward");
    CHECK(ws.pool.live_bytes() == before);
    CHECK(ws.nodes.empty());
  }
  Graph g(ws);
  const Tensor in = g.input(ws.tensor({3, 1}));
  g.backward(loss_of(g, scale(g, in, 2)));
  CHECK(static_cast<bool>(g.grad(in)));
}

TEST_CASE("backward frees as it goes") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({64, 64});
  const auto column = ws.tensor({1, 64});
  std::vector<double> targets(64, 0.0);
  const int64_t before = ws.pool.live_bytes(), one = 64 * 64 * int64_t(sizeof(Scalar));
  {
    Graph g(ws);
    Tensor h = g.input(x);
    for (int i = 0; i < 20; ++i) h = activation(g, h, Activation::gelu);
    const Tensor loss = mse(g, linear(g, std::exchange(h, Tensor()), column, {}), targets.data());
    const int64_t kept = ws.pool.live_bytes() - before;
    CHECK(kept >= 19 * one);
    ws.pool.reset_peak();
    g.backward(loss);
    CHECK(ws.pool.peak_bytes() - before <= kept + 3 * one);  // gradients live one at a time
    CHECK(ws.pool.live_bytes() - before <= 2 * one);         // the input's gradient
  }
  CHECK(ws.pool.live_bytes() == before);
}

TEST_CASE("a workspace is used again without growing") {
  PoisonedWorkspace ws;
  OwnedLeaf w({5, 5}, true), column({1, 5}, false);
  size_t nodes = 0, slots = 0;
  for (int step = 0; step < 4; ++step) {
    w.grad_written = false;
    Graph g(ws);
    const Tensor x = ws.tensor({3, 5}, 1);
    g.backward(loss_of(g, linear(g, linear(g, x, g.use(w), {}), g.use(column), {})));
    if (step == 0) {
      nodes = ws.nodes.capacity();
      slots = ws.slots.capacity();
    }
    CHECK(ws.nodes.capacity() == nodes);
    CHECK(ws.slots.capacity() == slots);
  }
  CHECK(ws.pool.live_bytes() == 0);
}

TEST_CASE("saved bytes count a buffer once, whoever keeps it") {
  PoisonedWorkspace ws;
  OwnedLeaf q({4, 4}, true), k({4, 4}, true), column({1, 4}, true);
  const Tensor x = ws.tensor({3, 4});
  counters() = {};
  Graph g(ws);
  const Tensor a = linear(g, x, g.use(q), {}), b = linear(g, x, g.use(k), {});
  CHECK(counters().saved_bytes == int64_t(x.bytes()));
  const Tensor sum = add(g, a, b);
  linear(g, sum, g.use(column), {});
  CHECK(counters().saved_bytes == int64_t(x.bytes() + sum.bytes()));
  // A parameter is not counted: it is there anyway.
  linear(g, g.use(column), g.use(q), {});
  CHECK(counters().saved_bytes == int64_t(x.bytes() + sum.bytes()));
}

TEST_CASE("reuse takes what was given away and copies what was not") {
  PoisonedWorkspace ws;
  Graph g(ws);
  Tensor mine = ws.tensor({2, 2});
  const Scalar* at = mine.data();
  Tensor moved = g.reuse(std::move(mine));
  CHECK(moved.data() == at);
  CHECK(moved.id() == -1);
  const Tensor also = moved;
  const Tensor copy = g.reuse(std::move(moved));
  CHECK(copy.data() != also.data());
  CHECK(copy.mat() == also.mat());
  Scalar external[4] = {1, 2, 3, 4};
  CHECK(g.reuse(Tensor({2, 2}, external)).data() != external);
}

TEST_CASE("y = x + x + x") {
  PoisonedWorkspace ws;
  Graph g(ws);
  const Tensor x = g.input(ws.tensor({3, 1}));
  const Tensor y = add(g, add(g, x, x), x);
  for (int i = 0; i < 3; ++i) CHECK(y.data()[i] == doctest::Approx(3 * x.data()[i]));
  g.backward(loss_of(g, y));
  for (int i = 0; i < 3; ++i)
    CHECK(g.grad(x).data()[i] ==
          doctest::Approx(2 * (3 * x.data()[i] - kTargets[i])).epsilon(1e-4));
}

TEST_CASE("a gradient that is given on is not shared with anybody who writes to it") {
  // Both branches of `a` get the same dy from the sum; linear_activation then writes over its own.
  PoisonedWorkspace ws;
  Tensor w = ws.tensor({1, 1});
  *w.data() = 1;
  Graph g(ws);
  const Tensor x = g.input(ws.tensor({3, 1}));
  const Tensor y = add(g, linear_activation(g, x, w, {}, Activation::tanh),
                       linear_activation(g, x, w, {}, Activation::tanh));
  g.backward(loss_of(g, y));
  for (int i = 0; i < 3; ++i) {
    const double t = std::tanh(double(x.data()[i]));
    CHECK(g.grad(x).data()[i] ==
          doctest::Approx(2.0 / 3 * (2 * t - kTargets[i]) * 2 * (1 - t * t)).epsilon(1e-4));
  }
}

namespace {
struct Recorder : OpListener {
  std::vector<std::string> events;
  double time = 0;
  void forward(const char* op, const Tensor&, int64_t) override {
    events.push_back(std::string("forward ") + op);
  }
  void backward(const char* op, int32_t, double begin, double end) override {
    events.push_back(std::string("backward ") + op);
    CHECK(end > begin);
  }
  double now() override { return time += 1; }
};
}  // namespace

TEST_CASE("a listener hears every op, forward and back") {
  PoisonedWorkspace ws;
  Recorder recorder;
  GraphOptions options;
  options.listener = &recorder;
  Graph g(ws, options);
  const Tensor x = g.input(ws.tensor({3, 1}));
  g.backward(loss_of(g, activation(g, scale(g, x, 2), Activation::relu)));
  CHECK(recorder.events == std::vector<std::string>{"forward scale", "forward relu", "forward mse",
                                                    "backward mse", "backward relu",
                                                    "backward scale"});
}

TEST_CASE("mask keys follow seed, step and order") {
  PoisonedWorkspace ws;
  const auto keys = [&](uint64_t seed, uint64_t step) {
    GraphOptions options;
    options.seed = seed;
    options.step = step;
    Graph g(ws, options);
    const uint64_t first = g.next_mask_key();
    return std::pair(first, g.next_mask_key());
  };
  CHECK(keys(1, 2) == keys(1, 2));
  CHECK(keys(1, 2).first != keys(1, 2).second);
  CHECK(keys(1, 2).first != keys(1, 3).first);
  CHECK(keys(1, 2).first != keys(2, 2).first);
  CHECK(keys(1, 2).first != keys(2, 1).first);
}
