// Ops that write over an input may do so only where nobody else has it: not the caller, not the
// tape.
#include <doctest/doctest.h>

#include "engine/ops/activation.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/rotary.h"
#include "tests/engine/autograd/support.h"
#include "tests/engine/ops/catalogue.h"

using namespace engine;
using testing::PoisonedWorkspace;

namespace {

struct InPlace {
  std::string name;
  bool same_storage;  // whether the result is where the input was, if that was given away
  std::function<Tensor(Graph&, Tensor, const Tensor&)>
      call;  // (graph, the tensor that is written over, another of its shape)
};

constexpr int64_t kRows = 5, kCols = 6;

const std::vector<InPlace>& ops() {
  static const std::vector<InPlace> all = {
      {"add", true, [](Graph& g, Tensor x, const Tensor& o) { return add(g, std::move(x), o); }},
      {"scale", true, [](Graph& g, Tensor x, const Tensor&) { return scale(g, std::move(x), 2); }},
      {"dropout", true,
       [](Graph& g, Tensor x, const Tensor&) { return dropout(g, std::move(x), 0.5); }},
      {"add_layer_norm", false,
       [](Graph& g, Tensor x, const Tensor& o) {
         Tensor w = g.make({1, kCols}), b = g.make({1, kCols});
         w.flat().setConstant(Scalar(1.5));
         b.flat().setConstant(Scalar(0.5));
         return add_layer_norm(g, std::move(x), o, w, b, Scalar(1e-3), 0.25);
       }},
      {"low_rank_add", true,
       [](Graph& g, Tensor x, const Tensor& o) {
         Tensor a = g.make({2, kCols}), b = g.make({kCols, 2});
         for (int64_t i = 0; i < a.size(); ++i)
           a.data()[i] = Scalar(0.1) * Scalar(i), b.data()[i] = Scalar(1) / Scalar(i + 1);
         return low_rank_add(g, std::move(x), o, a, b, 2, 0.25);
       }},
      {"rotary", true,
       [](Graph& g, Tensor x, const Tensor& o) {
         return add(
             g,
             rotary(g, std::move(x),
                    rotary_table(g, std::vector<int32_t>{3, 0, 1, 4, 1}, std::vector<float>{1}), 3),
             o);
       }},
  };
  return all;
}

GraphOptions with_dropout() {
  GraphOptions o;
  o.dropout = true;
  return o;
}

}  // namespace

TEST_CASE("what the caller still holds is not written over") {
  for (const InPlace& op : ops()) {
    CAPTURE(op.name);
    PoisonedWorkspace ws;
    Graph g(ws, with_dropout());
    const Tensor x = scale(g, g.input(ws.tensor({kRows, kCols})), 3),
                 other = ws.tensor({kRows, kCols}, 2);
    const Matrix before = x.mat(), other_before = other.mat();
    Tensor copy = x;
    const Tensor y = op.call(g, std::move(copy), other);
    CHECK(y.data() != x.data());
    CHECK(x.mat() == before);
    CHECK(other.mat() == other_before);
  }
}

TEST_CASE("what was given away is written over, with the same result") {
  for (const InPlace& op : ops()) {
    CAPTURE(op.name);
    PoisonedWorkspace ws;
    const Tensor in = ws.tensor({kRows, kCols}), other = ws.tensor({kRows, kCols}, 2);
    Matrix copied;
    {
      Graph g(ws, with_dropout());
      const Tensor x = scale(g, g.input(in), 3);
      copied = op.call(g, x, other).mat();
    }
    Graph g(ws, with_dropout());
    Tensor x = scale(g, g.input(in), 3);
    const Scalar* storage = x.data();
    const Tensor y = op.call(g, std::move(x), other);
    CHECK((y.data() == storage) == op.same_storage);
    CHECK(y.mat() == copied);
  }
}

TEST_CASE(
    "a parameter's or caller's memory is not written over, even when the handle is given away") {
  for (const InPlace& op : ops()) {
    CAPTURE(op.name);
    PoisonedWorkspace ws;
    testing::OwnedLeaf leaf({kRows, kCols}, true);
    const auto before = leaf.values;
    Graph g(ws, with_dropout());
    const Tensor y = op.call(g, g.use(leaf), ws.tensor({kRows, kCols}, 2));
    CHECK(y.data() != leaf.value);
    CHECK(leaf.values == before);
  }
}

#ifdef PEFT_SCALAR_DOUBLE
TEST_CASE("what the tape has kept is not written over") {
  // tanh keeps its result, gelu and layer_norm their input; then an in-place op is given the last
  // handle that the caller has.
  for (const InPlace& op : ops()) {
    CAPTURE(op.name);
    PoisonedWorkspace ws;
    const std::vector<Tensor> inputs = {ws.tensor({kRows, kCols}), ws.tensor({kRows, kCols}, 2)};
    GradcheckOptions options;
    options.graph = with_dropout();
    const TensorFunction result_kept = [&](Graph& g, const std::vector<Tensor>& in) {
      return op.call(g, activation(g, in[0], Activation::tanh), in[1]);
    };
    const TensorFunction input_kept = [&](Graph& g, const std::vector<Tensor>& in) {
      Tensor x = scale(g, in[0], 2);
      const Tensor y = activation(g, x, Activation::gelu);
      return add(g, op.call(g, std::move(x), in[1]), y);
    };
    const TensorFunction chain = [&](Graph& g, const std::vector<Tensor>& in) {
      Tensor x = op.call(g, op.call(g, scale(g, in[0], 2), in[1]), in[1]);
      return op.call(g, std::move(x), in[0]);
    };
    const TensorFunction itself = [&](Graph& g, const std::vector<Tensor>& in) {
      const Tensor x = scale(g, in[0], 2);
      return add(g, op.call(g, x, x), op.call(g, x, in[1]));
    };
    for (const auto& f : {result_kept, input_kept, chain, itself}) {
      const bool two =
          op.name != "scale" && op.name != "dropout";  // whether the op has a second input
      const GradientError error = gradcheck(ws, f, inputs, {true, two}, options);
      INFO(error.text());
      CHECK(error.relative < 1e-7);
    }
  }
}

TEST_CASE("chains of given gradients: a sum is passed on to all of its terms") {
  PoisonedWorkspace ws;
  const std::vector<Tensor> inputs = {ws.tensor({3, 4}), ws.tensor({3, 4}, 2),
                                      ws.tensor({4, 4}, 3)};
  using In = const std::vector<Tensor>&;
  const TensorFunction graphs[] = {
      [](Graph& g, In t) { return add(g, t[0], t[0]); },
      [](Graph& g, In t) { return add(g, add(g, add(g, t[0], t[0]), t[0]), add(g, t[1], t[1])); },
      [](Graph& g, In t) {  // residual connections
        Tensor x = t[0];
        for (int i = 0; i < 3; ++i)
          x = add(g, activation(g, linear(g, x, t[2], {}), Activation::tanh), x);
        return x;
      },
      [](Graph& g, In t) {  // the given gradient goes on to an op that writes over its dy
        const Tensor x = add(g, t[0], t[1]);
        return add(g, linear_activation(g, x, t[2], {}, Activation::gelu),
                   add(g, linear_activation(g, x, t[2], {}, Activation::tanh), x));
      },
      [](Graph& g, In t) {  // an output that is used by nobody
        add(g, t[0], t[1]);
        return add(g, t[1], t[0]);
      },
  };
  for (const auto& f : graphs) {
    const bool uses_w = &f == &graphs[2] || &f == &graphs[3],
               uses_b = &f != &graphs[0] && &f != &graphs[2];
    const GradientError error = gradcheck(ws, f, inputs, {true, uses_b, uses_w});
    INFO(error.text());
    CHECK(error.relative < 1e-7);
  }
}
#endif
