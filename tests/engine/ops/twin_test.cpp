#include <doctest/doctest.h>

#include <limits>

#include "tests/engine/autograd/support.h"
#include "tests/engine/ops/catalogue.h"
#include "tests/engine/ops/naive.h"

using namespace engine;
using namespace catalogue;
using testing::PoisonedWorkspace;

namespace {

// Largest difference, of the size of the largest value.
double difference(const Matrix& a, const Matrix& b) {
  REQUIRE(a.rows() == b.rows());
  REQUIRE(a.cols() == b.cols());
  const double size = std::max<double>({1e-3, a.cwiseAbs().maxCoeff(), b.cwiseAbs().maxCoeff()});
  const double d = (a - b).cwiseAbs().maxCoeff() / size;
  return std::isfinite(d) ? d : 1e300;
}

}  // namespace

TEST_CASE("a fused op equals the composition that it stands for, in value and gradients") {
  const double tolerance = 200 * std::numeric_limits<Scalar>::epsilon();
  for (const auto* cases : {&small_cases(), &large_cases()})
    for (const OpCase& c : *cases) {
      if (!c.twin) continue;
      CAPTURE(c.name);
      PoisonedWorkspace ws;
      const auto inputs = c.inputs(ws);
      {
        Graph g(ws, c.options);
        const Matrix fused = c.call(g, inputs).mat();
        PoisonedWorkspace other;
        Graph composed(other, c.options);
        CHECK(difference(fused, c.twin(composed, inputs).mat()) < tolerance);
      }
      const auto fused = projected_gradients(ws, c.call, inputs, {}, c.gradcheck_options());
      const auto composed = projected_gradients(ws, c.twin, inputs, {}, c.gradcheck_options());
      for (size_t i = 0; i < inputs.size(); ++i) {
        CAPTURE(i);
        CHECK(difference(fused[i].mat(), composed[i].mat()) < tolerance);
      }
    }
}

#ifdef PEFT_SCALAR_DOUBLE
TEST_CASE("the naive ops are right themselves") {
  PoisonedWorkspace ws;
  const auto right = [&](const TensorFunction& f, std::vector<Tensor> inputs) {
    const GradientError error = gradcheck(ws, f, inputs);
    INFO(error.text());
    CHECK(error.relative < 1e-7);
  };
  using In = const std::vector<Tensor>&;
  right([](Graph& g, In t) { return naive::copy(g, t[0]); }, {ws.tensor({3, 2})});
  right([](Graph& g, In t) { return naive::matmul(g, t[0], t[1]); },
        {ws.tensor({3, 2}), ws.tensor({2, 4}, 2)});
  right([](Graph& g, In t) { return naive::transpose(g, t[0]); }, {ws.tensor({3, 2})});
  right([](Graph& g, In t) { return naive::stack(g, t[0], t[1]); },
        {ws.tensor({3, 2}), ws.tensor({1, 2}, 2)});
  right(
      [](Graph& g, In t) { return naive::softmax(g, t[0], [](int64_t, int64_t) { return true; }); },
      {ws.tensor({3, 4})});
  right(
      [](Graph& g, In t) {
        return naive::softmax(g, t[0], [](int64_t r, int64_t c) { return c <= r + 1; });
      },
      {ws.tensor({3, 4})});
  right([](Graph& g, In t) { return naive::place(g, t[0], {5, 6}, 1, 2); }, {ws.tensor({3, 2})});
  right(
      [](Graph& g, In t) {
        return naive::cross_entropy(g, t[0], {1, 0}, 0.2);
      },
      {ws.tensor({2, 3})});
  right([](Graph& g, In t) { return naive::multiply(g, t[0], t[1]); },
        {ws.tensor({3, 2}), ws.tensor({3, 2}, 2)});
  right([](Graph& g, In t) { return naive::rms_norm(g, t[0], t[1], 1e-3); },
        {ws.tensor({3, 6}), ws.tensor({1, 3}, 2)});
  right(
      [](Graph& g, In t) {
        return naive::rotary(g, t[0], {4, 1}, {1, 0.25f}, 5, 1.5);
      },
      {ws.tensor({2, 10})});
}
#endif
