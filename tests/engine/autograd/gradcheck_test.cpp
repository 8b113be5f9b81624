#include "engine/autograd/gradcheck.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/ops/activation.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::OwnedLeaf;
using testing::PoisonedWorkspace;

namespace {

#ifdef PEFT_SCALAR_DOUBLE
constexpr double kTolerance = 1e-9;
#else
constexpr double kTolerance = 2e-2;
#endif

// y = x^2 element by element, with a factor on one element of the gradient.
Tensor square(Graph& g, const Tensor& x, Scalar factor_at_1_0) {
  Tensor y = g.make(x.shape());
  y.flat() = x.flat().square();
  const Tensor xs = g.keep(x, {x});
  return g.record("square", y, {x}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    RowMap sink(dx.data, xs.size());
    sink = 2 * bw.dy().flat() * xs.flat();
    sink[xs.cols()] *= factor_at_1_0;
  });
}

}  // namespace

TEST_CASE("gradcheck passes a right gradient and puts the inputs back") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({3, 2});
  const Matrix before = x.mat();
  const auto error = gradcheck(
      ws, [](Graph& g, const std::vector<Tensor>& in) { return square(g, in[0], 1); }, {x});
  INFO(error.text());
  CHECK(error.input == 0);
  CHECK(error.relative < kTolerance);
  CHECK(x.mat() == before);
}

TEST_CASE("gradcheck finds the wrong element and says where") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({3, 2}), other = ws.tensor({3, 2}, 7);
  const auto error = gradcheck(ws,
                               [](Graph& g, const std::vector<Tensor>& in) {
                                 return add(g, in[0], square(g, in[1], Scalar(1.5)));
                               },
                               {other, x});
  CHECK(error.input == 1);
  CHECK(error.row == 1);
  CHECK(error.col == 0);
  CHECK(error.analytic == doctest::Approx(1.5 * error.numeric).epsilon(0.01));
  CHECK(error.relative == doctest::Approx(1.0 / 3).epsilon(0.05));
  CHECK(error.text().find("input 1 (3, 2) at (1, 0): analytic ") == 0);
}

TEST_CASE("gradcheck checks what it is told to") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({3, 2});
  const TensorFunction f = [](Graph& g, const std::vector<Tensor>& in) {
    return add(g, in[0], square(g, in[1], Scalar(1.5)));
  };
  const Tensor other = ws.tensor({3, 2}, 7);
  CHECK(gradcheck(ws, f, {x, other}, {true, false}).relative < kTolerance);
  const auto gradients = projected_gradients(ws, f, {x, other}, {false, true});
  CHECK_FALSE(static_cast<bool>(gradients[0]));
  CHECK(static_cast<bool>(gradients[1]));
  CHECK(gradcheck(ws, f, {x, other}, {false, false}).text() == "nothing was checked");
}

TEST_CASE("a gradient that is missing or not finite is an error") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({2, 2});
  CHECK_THROWS_WITH_AS(gradcheck(ws,
                                 [](Graph& g, const std::vector<Tensor>& in) {
                                   Tensor y = g.make(in[0].shape());
                                   y.flat() = in[0].flat();
                                   return g.record("forgetful", y, {in[0]}, [](Backward&) {});
                                 },
                                 {x}),
                       "gradcheck: input 0 (2, 2) got no gradient", Error);
  CHECK_THROWS_AS(gradcheck(ws,
                            [](Graph& g, const std::vector<Tensor>& in) {
                              Tensor y = g.make(in[0].shape());
                              y.flat() = in[0].flat();
                              const Tensor ghost = in[0].ghost();
                              return g.record("lazy", y, {in[0]}, [=](Backward& bw) {
                                bw.into(ghost);
                              });  // asks, and writes nothing
                            },
                            {x}),
                  Error);
}

TEST_CASE("directional_check: right, wrong, frozen") {
  PoisonedWorkspace ws;
  OwnedLeaf w0({5, 3}, true, 1), b0({1, 5}, true, 2), w1({1, 5}, true, 3), idle({2, 2}, true, 4),
      frozen({1, 1}, false, 5);
  const Tensor x = ws.tensor({4, 3}, 9);
  const double targets[] = {1, 0, -1, 2};
  const auto values = w0.values;
  const auto net = [&](Graph& g) {
    return mse(g,
               linear(g, linear_activation(g, x, g.use(w0), g.use(b0), Activation::tanh), g.use(w1),
                      g.use(frozen)),
               targets);
  };
  const auto right = directional_check(ws, {&w0, &b0, &w1, &idle}, net);
  INFO(right.text());
  CHECK(right.relative < kTolerance);
  CHECK(right.numeric != 0);
  CHECK(w0.values == values);
  const auto wrong = directional_check(ws, {&w0}, [&](Graph& g) {
    const Tensor column = g.make({1, 3});
    column.flat().setOnes();
    return mse(g, select_rows(g, linear(g, square(g, g.use(w0), 3), column, {}), {0, 1, 2, 3}),
               targets);
  });
  CHECK(wrong.relative > 0.01);
  CHECK_THROWS_WITH_AS(directional_check(ws, {&frozen}, net),
                       "directional_check: a leaf of shape (1, 1) is frozen", Error);
}

TEST_CASE("check_op: every combination; a wrong factor, other bits") {
  enum class Mistake { none, factor, other_bits };
  const auto product = [](Mistake mistake) {
    return [mistake](Graph& g, const std::vector<Tensor>& in) {
      const Tensor a = in[0], b = in[1];
      Tensor y = g.make(a.shape());
      y.flat() = a.flat() * b.flat();
      const Tensor as = g.keep(a, true), bs = g.keep(b, true);
      const bool both = g.needs(a) && g.needs(b);
      return g.record("product", y, {a, b}, [=](Backward& bw) {
        const Scalar factor = mistake == Mistake::factor ? Scalar(2)
                              : mistake == Mistake::other_bits && both
                                  ? Scalar(1) + 8 * std::numeric_limits<Scalar>::epsilon()
                                  : Scalar(1);
        if (auto da = bw.into(as)) da.put(bs.flat() * bw.dy().flat());
        if (auto db = bw.into(bs)) db.put(factor * as.flat() * bw.dy().flat());
      });
    };
  };
  PoisonedWorkspace ws;
  const std::vector<Tensor> inputs = {ws.tensor({2, 3}, 1), ws.tensor({2, 3}, 2)};
  const OpCheck right = check_op(ws, product(Mistake::none), inputs);
  CHECK(right.problem == "");
  CHECK(right.combinations == 3);
  CHECK(right.worst.input >= 0);
  const OpCheck factor = check_op(ws, product(Mistake::factor), inputs);
  CHECK(factor.problem.find("where input 1 needs a gradient: input 1 (2, 3) at ") == 0);
  CHECK(factor.worst.relative == doctest::Approx(0.5).epsilon(0.01));
  const OpCheck bits = check_op(ws, product(Mistake::other_bits), inputs);
  CHECK(bits.problem ==
        "where input 1 needs a gradient: the gradient of input 1 has other bits than when all are "
        "wanted");
  CHECK_THROWS_WITH_AS(check_op(ws, product(Mistake::none), {}),
                       "check_op: an op of 0 inputs; it checks from 1 to 12", Error);
}
