#include <doctest/doctest.h>

#include <cstring>

#include "engine/ops/elementwise.h"
#include "tests/engine/autograd/support.h"
#include "tests/engine/ops/catalogue.h"

using namespace engine;
using namespace catalogue;
using testing::PoisonedWorkspace;

#ifdef PEFT_SCALAR_DOUBLE
TEST_CASE("central differences, for every combination of inputs that need a gradient") {
  for (const OpCase& c : small_cases()) {
    CAPTURE(c.name);
    PoisonedWorkspace ws;
    const OpCheck check = check_op(ws, c.call, c.inputs(ws), c.gradcheck_options());
    CHECK_MESSAGE(check.right(), check.problem);
    CHECK(check.combinations == static_cast<int>(c.all()));
  }
}

TEST_CASE("gradients add: an op that is used twice on the same inputs (beta = 1)") {
  for (const OpCase& c : small_cases()) {
    CAPTURE(c.name);
    PoisonedWorkspace ws;
    const TensorFunction twice = [&](Graph& g, const std::vector<Tensor>& in) {
      const Tensor first = c.call(g, in);
      return add(g, c.call(g, in), scale(g, first, Scalar(0.5)));
    };
    const GradientError error = gradcheck(ws, twice, c.inputs(ws), {}, c.gradcheck_options());
    INFO(error.text());
    CHECK(error.relative < 1e-7);
  }
}

TEST_CASE("one tensor in the place of several: q = k = v, h = residual") {
  for (const OpCase& c : small_cases())
    for (size_t i = 0; i < c.shapes.size(); ++i)
      for (size_t j = i + 1; j < c.shapes.size(); ++j) {
        if (c.shapes[i] != c.shapes[j]) continue;
        CAPTURE(c.name);
        CAPTURE(i);
        CAPTURE(j);
        PoisonedWorkspace ws;
        const TensorFunction same = [&](Graph& g, const std::vector<Tensor>& in) {
          std::vector<Tensor> t = in;
          t[j] = t[i];
          return c.call(g, t);
        };
        std::vector<bool> needs(c.shapes.size(), true);
        needs[j] = false;  // it is not there any more
        const GradientError error = gradcheck(ws, same, c.inputs(ws), needs, c.gradcheck_options());
        INFO(error.text());
        CHECK(error.relative < 1e-7);
        // The same, beta = 1 from the start.
        const TensorFunction after = [&](Graph& g, const std::vector<Tensor>& in) {
          const Tensor y = same(g, in);
          return add(g, y, scale(g, same(g, in), 2));
        };
        CHECK(gradcheck(ws, after, c.inputs(ws), needs, c.gradcheck_options()).relative < 1e-7);
      }
  for (const OpCase& c : small_cases()) {
    if (c.name.find("attention ") != 0 || c.shapes[0] != c.shapes[1])
      continue;  // only some tokens ask: q is not k
    CAPTURE(c.name);
    PoisonedWorkspace ws;
    const TensorFunction self = [&](Graph& g, const std::vector<Tensor>& in) {
      std::vector<Tensor> t = in;
      t[1] = t[2] = t[0];
      if (t.size() > 4) t[4] = t[3];  // a prefix; else the fourth is a bias
      return c.call(g, t);
    };
    std::vector<bool> needs(c.shapes.size(), false);
    needs[0] = true;
    if (needs.size() > 3) needs[3] = true;
    const GradientError error = gradcheck(ws, self, c.inputs(ws), needs, c.gradcheck_options());
    INFO(error.text());
    CHECK(error.relative < 1e-7);
  }
}
#endif

TEST_CASE("the same gradients, bit for bit, whichever others are frozen") {
  for (const auto* cases : {&small_cases(), &large_cases()})
    for (const OpCase& c : *cases) {
      CAPTURE(c.name);
      PoisonedWorkspace ws;
      const auto inputs = c.inputs(ws);
      const auto all = projected_gradients(ws, c.call, inputs, {}, c.gradcheck_options());
      for (Mask mask = 1; mask < c.all(); ++mask) {
        const auto some = projected_gradients(ws, c.call, inputs, bits(mask, inputs.size()),
                                              c.gradcheck_options());
        for (size_t i = 0; i < inputs.size(); ++i) {
          CAPTURE(mask);
          CAPTURE(i);
          const bool wanted = (mask >> i & 1) != 0;
          CHECK(static_cast<bool>(some[i]) == wanted);
          if (wanted) CHECK(std::memcmp(some[i].data(), all[i].data(), all[i].bytes()) == 0);
        }
      }
    }
}

TEST_CASE("no input is changed, and no value is read that was never written") {
  for (const OpCase& c : small_cases()) {
    CAPTURE(c.name);
    PoisonedWorkspace ws, other;
    const auto inputs = c.inputs(ws), before = c.inputs(other);
    const auto gradients = projected_gradients(ws, c.call, inputs, {}, c.gradcheck_options());
    for (size_t i = 0; i < inputs.size(); ++i) {
      CHECK(inputs[i].mat() == before[i].mat());
      CHECK(gradients[i].mat().allFinite());
    }
  }
}
