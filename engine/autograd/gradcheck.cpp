#include "engine/autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/base/philox.h"

namespace engine {
namespace {

#ifdef PEFT_SCALAR_DOUBLE
constexpr double kStep =
    0x1p-10;  // near the fifth root of epsilon, where truncation and rounding balance
#else
constexpr double kStep = 0x1p-5;
#endif

Tensor fresh(Pool& pool, Shape shape) {
  return {shape, BlockRef(pool.take(static_cast<size_t>(shape.size()) * sizeof(Scalar)))};
}

Tensor projection(Pool& pool, Shape shape, uint64_t seed) {
  Tensor p = fresh(pool, shape);
  Random random(seed);
  for (int64_t i = 0; i < p.size(); ++i) p.data()[i] = static_cast<Scalar>(random.normal());
  return p;
}

// sum of p * y, in more digits than y has: the sum itself must not round.
double dot(const Tensor& p, const Tensor& y) {
  long double sum = 0;
  for (int64_t i = 0; i < y.size(); ++i) sum += static_cast<long double>(p.data()[i]) * y.data()[i];
  return static_cast<double>(sum);
}

GraphOptions quiet(GraphOptions options) {
  options.record = false;
  options.trace = nullptr;
  options.listener = nullptr;
  return options;
}

// f'(0) of a function of one number.
template <class F>
double five_points(F&& at) {
  const double near = at(kStep) - at(-kStep), far = at(2 * kStep) - at(-2 * kStep);
  return (8 * near - far) / (12 * kStep);
}

// A gradient that is zero everywhere (a LayerNorm over one column) is compared with rounding noise
// of 1e-13 or so: at the 1e-7 that callers ask for, this floor lets 1e-12 pass.
constexpr double kNothing = 1e-5;

double relative_error(double a, double b, double floor) {
  const double size = std::max({std::abs(a), std::abs(b), floor});
  return size > 0 ? std::abs(a - b) / size : 0;
}

}  // namespace

std::string GradientError::text() const {
  if (input < 0) return "nothing was checked";
  return concat("input ", input, " ", shape, " at (", row, ", ", col, "): analytic ", analytic,
                ", numeric ", numeric, ", relative error ", relative);
}

std::string DirectionalError::text() const {
  return concat("analytic ", analytic, ", numeric ", numeric, ", relative error ", relative);
}

std::vector<Tensor> projected_gradients(Workspace& workspace, const TensorFunction& f,
                                        const std::vector<Tensor>& inputs, std::vector<bool> needs,
                                        const GradcheckOptions& options) {
  needs.resize(inputs.size(), needs.empty());
  GraphOptions recording = options.graph;
  recording.record = true;
  Graph g(workspace, recording);
  std::vector<Tensor> leaves = inputs;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (needs[i]) leaves[i] = g.input(inputs[i]);
  std::vector<Tensor> gradients(inputs.size());
  if (std::find(needs.begin(), needs.end(), true) == needs.end()) return gradients;
  Tensor y = f(g, leaves);
  const Tensor p = projection(workspace.pool, y.shape(), options.seed), ghost = y.ghost();
  Tensor sum = g.make({1, 1});
  *sum.data() = static_cast<Scalar>(dot(p, y));
  y = Tensor();  // as in a model, where nobody holds an op's output but the ops after it
  const Tensor loss = g.record("projection", sum, {ghost}, [=](Backward& bw) {
    if (auto dy = bw.into(ghost)) RowMap(dy.data, p.size()) = p.flat() * *bw.dy().data();
  });
  g.backward(loss);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (needs[i]) gradients[i] = g.grad(leaves[i]);
  return gradients;
}

GradientError gradcheck(Workspace& workspace, const TensorFunction& f,
                        const std::vector<Tensor>& inputs, std::vector<bool> needs,
                        const GradcheckOptions& options) {
  needs.resize(inputs.size(), needs.empty());
  const std::vector<Tensor> analytic = projected_gradients(workspace, f, inputs, needs, options);
  Tensor p;
  const auto evaluate = [&] {
    Graph g(workspace, quiet(options.graph));
    const Tensor y = f(g, inputs);
    if (!p) p = projection(workspace.pool, y.shape(), options.seed);
    return dot(p, y);
  };
  std::vector<std::vector<double>> numeric(inputs.size());
  double largest = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!needs[i]) continue;
    check(static_cast<bool>(analytic[i]), "gradcheck", "input ", i, " ", inputs[i].shape(),
          " got no gradient");
    for (int64_t e = 0; e < inputs[i].size(); ++e) {
      Scalar& x = inputs[i].data()[e];
      const Scalar before = x;
      numeric[i].push_back(five_points([&](double t) {
        x = static_cast<Scalar>(before + t);
        return evaluate();
      }));
      x = before;
      const double a = analytic[i].data()[e], n = numeric[i].back();
      check(std::isfinite(a) && std::isfinite(n), "gradcheck", "input ", i, " ", inputs[i].shape(),
            " at (", e / inputs[i].cols(), ", ", e % inputs[i].cols(), "): analytic ", a,
            ", numeric ", n);
      largest = std::max({largest, std::abs(a), std::abs(n)});
    }
  }
  GradientError worst;
  for (size_t i = 0; i < inputs.size(); ++i) {
    double own = 0;
    for (size_t e = 0; e < numeric[i].size(); ++e)
      own = std::max({own, std::abs(numeric[i][e]), std::abs(double(analytic[i].data()[e]))});
    for (size_t e = 0; e < numeric[i].size(); ++e) {
      const double a = analytic[i].data()[e], n = numeric[i][e];
      const double error = relative_error(a, n, std::max({0.01 * own, 1e-4 * largest, kNothing}));
      if (worst.input >= 0 && error <= worst.relative) continue;
      const auto at = static_cast<int64_t>(e), cols = inputs[i].cols();
      worst = {error, static_cast<int>(i), at / cols, at % cols, a, n, inputs[i].shape()};
    }
  }
  return worst;
}

OpCheck check_op(Workspace& workspace, const TensorFunction& f, const std::vector<Tensor>& inputs,
                 const GradcheckOptions& options, double tolerance) {
  const size_t n = inputs.size();
  check(n > 0 && n <= 12, "check_op", "an op of ", n, " inputs; it checks from 1 to 12");
  OpCheck result;
  const std::vector<Tensor> all = projected_gradients(workspace, f, inputs, {}, options);
  for (unsigned mask = 1; mask < 1u << n; ++mask, ++result.combinations) {
    std::vector<bool> needs(n);
    std::string names;
    for (size_t i = 0; i < n; ++i)
      if ((needs[i] = (mask >> i & 1) != 0))
        names += (names.empty() ? "" : ", ") + std::to_string(i);
    const auto fail_with = [&](const std::string& what) {
      if (result.right())
        result.problem =
            concat("where input", names.size() > 1 ? "s " : " ", names,
                   names.size() > 1 ? " need a gradient: " : " needs a gradient: ", what);
    };
    const GradientError error = gradcheck(workspace, f, inputs, needs, options);
    if (error.relative > result.worst.relative) result.worst = error;
    if (!(error.relative <= tolerance)) fail_with(error.text());
    const std::vector<Tensor> some = projected_gradients(workspace, f, inputs, needs, options);
    for (size_t i = 0; i < n; ++i) {
      if (!needs[i]) {
        if (some[i]) fail_with(concat("input ", i, " got one that nobody wants"));
      } else if (std::memcmp(some[i].data(), all[i].data(), all[i].bytes()) != 0) {
        fail_with(concat("the gradient of input ", i, " has other bits than when all are wanted"));
      }
    }
  }
  return result;
}

DirectionalError directional_check(Workspace& workspace, const std::vector<Leaf*>& leaves,
                                   const std::function<Tensor(Graph&)>& loss,
                                   const GradcheckOptions& options) {
  for (Leaf* leaf : leaves) {
    check(leaf->trainable && leaf->grad, "directional_check", "a leaf of shape ", leaf->shape,
          " is frozen");
    leaf->grad_written = false;
  }
  {
    GraphOptions recording = options.graph;
    recording.record = true;
    Graph g(workspace, recording);
    g.backward(loss(g));
  }
  DirectionalError result;
  std::vector<std::vector<Scalar>> before;
  std::vector<std::vector<double>> direction;
  Random random(options.seed);
  for (Leaf* leaf : leaves) {
    before.emplace_back(leaf->value, leaf->value + leaf->shape.size());
    std::vector<double>& v = direction.emplace_back();
    for (const Scalar x : before.back()) {
      // Of the size of the value, so that a step moves weights of 0.02 and LayerNorm scales of 1
      // alike.
      v.push_back(random.normal() * (0.01 + 0.1 * std::abs(double(x))));
      const double gradient = leaf->grad_written ? double(leaf->grad[v.size() - 1])
                                                 : 0.0;  // unwritten: no part in the loss
      result.analytic += gradient * v.back();
    }
  }
  const auto move_to = [&](double t) {
    for (size_t i = 0; i < leaves.size(); ++i)
      for (size_t e = 0; e < before[i].size(); ++e)
        leaves[i]->value[e] =
            t == 0 ? before[i][e] : static_cast<Scalar>(before[i][e] + t * direction[i][e]);
  };
  const auto at = [&](double t) {
    move_to(t);
    Graph g(workspace, quiet(options.graph));
    return static_cast<double>(*loss(g).data());
  };
  try {
    result.numeric = five_points(at);
  } catch (...) {
    move_to(0);
    throw;
  }
  move_to(0);
  result.relative = relative_error(result.analytic, result.numeric, 0);
  return result;
}

}  // namespace engine
