// Values and gradients against PyTorch's, in tests/golden/ops.json (tools/goldens/op_goldens.py,
// float64).
#include <doctest/doctest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/ops/activation.h"
#include "engine/ops/attention.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "tests/engine/autograd/support.h"
#include "tests/support/paths.h"

using namespace engine;
using nlohmann::json;
using testing::PoisonedWorkspace;

namespace {

Matrix matrix_of(const json& j) {
  if (j.is_number()) return Matrix::Constant(1, 1, j.get<Scalar>());
  if (j.empty() || j[0].is_number()) {
    Matrix m(1, static_cast<int64_t>(j.size()));
    for (size_t c = 0; c < j.size(); ++c) m(0, static_cast<int64_t>(c)) = j[c].get<Scalar>();
    return m;
  }
  Matrix m(static_cast<int64_t>(j.size()), static_cast<int64_t>(j[0].size()));
  for (size_t r = 0; r < j.size(); ++r) m.row(static_cast<int64_t>(r)) = matrix_of(j[r]);
  return m;
}

double distance(const Matrix& found, const Matrix& expected) {
  REQUIRE(found.rows() == expected.rows());
  REQUIRE(found.cols() == expected.cols());
  const double d =
      ((found - expected).array().abs() / expected.array().abs().max(Scalar(1))).maxCoeff();
  return std::isfinite(d) ? d : 1e300;
}

#ifdef PEFT_SCALAR_DOUBLE
constexpr double kTolerance = 2e-9;  // the file has ten decimals
#else
constexpr double kTolerance = 3e-6;
#endif

struct Run {
  PoisonedWorkspace ws;
  const json& golden;
  std::vector<std::pair<std::string, Tensor>> leaves;

  explicit Run(const json& j) : golden(j) {}
  Tensor input(Graph& g, const std::string& name) {
    const Matrix m = matrix_of(golden["inputs"][name]);
    Tensor t(Shape{m.rows(), m.cols()},
             BlockRef(ws.pool.take(static_cast<size_t>(m.size()) * sizeof(Scalar))));
    t.mat() = m;
    leaves.emplace_back(name, g.input(t));
    return leaves.back().second;
  }
  // sum of dy * y, as torch's y.backward(dy)
  void check(Graph& g, Tensor y, double tolerance = kTolerance) {
    CHECK(distance(y.mat(), matrix_of(golden["y"])) < tolerance);
    if (golden.contains("dy")) {
      const Matrix dy = matrix_of(golden["dy"]);
      const Tensor ghost = y.ghost();
      Tensor sum = g.make({1, 1});
      *sum.data() = (dy.array() * y.mat().array()).sum();
      y = g.record("projection", sum, {ghost}, [=](Backward& bw) {
        MatrixMap(bw.into(ghost).data, dy.rows(), dy.cols()) = dy;
      });
    }
    g.backward(y);
    for (const auto& [name, leaf] : leaves) {
      const auto& this_name = name;
      CAPTURE(this_name);
      const json& expected = golden["gradients"]["d" + name];
      REQUIRE_FALSE(expected.is_null());
      CHECK(distance(g.grad(leaf).mat(), matrix_of(expected)) < tolerance);
    }
  }
};

const json& goldens() {
  static const json all = json::parse(std::ifstream(testing::golden("ops.json")));
  return all;
}

}  // namespace

TEST_CASE("goldens: activations") {
  const std::pair<const char*, Activation> kinds[] = {{"gelu_erf", Activation::gelu},
                                                      {"gelu_tanh", Activation::gelu_tanh},
                                                      {"relu", Activation::relu},
                                                      {"tanh", Activation::tanh},
                                                      {"swish", Activation::silu}};
  for (const auto& [name, act] : kinds)
    for (const json& j : goldens()[name]) {
      const std::string this_name = name;
      CAPTURE(this_name);
      INFO(j["name"].get<std::string>());
      Run run(j);
      Graph g(run.ws);
      run.check(g, activation(g, run.input(g, "x"), act));
    }
}

TEST_CASE("goldens: linear") {
  for (const json& j : goldens()["linear"]) {
    INFO(j["name"].get<std::string>());
    Run run(j);
    Graph g(run.ws);
    const Tensor x = run.input(g, "x"), w = run.input(g, "weight"), b = run.input(g, "bias");
    run.check(g, linear(g, x, w, b));
  }
}

TEST_CASE("goldens: layer_norm") {
  for (const json& j : goldens()["layer_norm"]) {
    const std::string name = j["name"];
    INFO(name);
    Run run(j);
    Graph g(run.ws);
    const Tensor x = run.input(g, "x"), w = run.input(g, "weight"), b = run.input(g, "bias");
    // "large mean" has x near 100: in float its differences have two digits less
    run.check(g, layer_norm(g, x, w, b, j["eps"].get<Scalar>()),
              name == "large mean"    ? 100 * kTolerance
              : name == "eps matters" ? 10 * kTolerance
                                      : kTolerance);
  }
}

TEST_CASE("goldens: attention") {
  for (const json& j : goldens()["attention"]) {
    INFO(j["name"].get<std::string>());
    Run run(j);
    Graph g(run.ws);
    Segments segments;
    segments.starts = j["segments"].get<std::vector<int32_t>>();
    AttentionOptions options;
    options.heads = j["heads"];
    options.causal = j["causal"];
    const Tensor q = run.input(g, "q"), k = run.input(g, "k"), v = run.input(g, "v");
    Tensor pk, pv;
    if (j["inputs"].contains("prefix_key")) {
      pk = run.input(g, "prefix_key");
      pv = run.input(g, "prefix_value");
    }
    run.check(g, attention(g, q, k, v, segments, options, pk, pv));
  }
}

TEST_CASE("goldens: cross_entropy") {
  int used = 0;
  for (const json& j : goldens()["cross_entropy"]) {
    if (!j["ignore_index"].is_null()) continue;  // packed batches have no rows to ignore
    INFO(j["name"].get<std::string>());
    ++used;
    Run run(j);
    Graph g(run.ws);
    const auto labels = j["labels"].get<std::vector<double>>();
    run.check(g, cross_entropy(g, run.input(g, "logits"), labels.data(),
                               j["label_smoothing"].get<double>()));
  }
  CHECK(used == 3);
}

TEST_CASE("goldens: weighted_cross_entropy") {
  for (const json& j : goldens()["weighted_cross_entropy"]) {
    INFO(j["name"].get<std::string>());
    Run run(j);
    Graph g(run.ws);
    const auto labels = j["labels"].get<std::vector<double>>();
    run.check(g, weighted_cross_entropy(g, run.input(g, "logits"), labels.data(),
                                        j["weights"].get<std::vector<double>>(),
                                        j["label_smoothing"].get<double>()));
  }
}

TEST_CASE("goldens: binary_cross_entropy") {
  for (const json& j : goldens()["binary_cross_entropy"]) {
    INFO(j["name"].get<std::string>());
    Run run(j);
    Graph g(run.ws);
    const Matrix m = matrix_of(j["targets"]);
    const std::vector<double> targets(m.data(), m.data() + m.size());
    run.check(g, binary_cross_entropy(g, run.input(g, "logits"), targets.data()));
  }
}

TEST_CASE("goldens: mse") {
  for (const json& j : goldens()["mse"]) {
    INFO(j["name"].get<std::string>());
    Run run(j);
    Graph g(run.ws);
    const Matrix m = matrix_of(j["target"]);
    const std::vector<double> targets(m.data(), m.data() + m.size());
    run.check(g, mse(g, run.input(g, "x"), targets.data()));
  }
}

TEST_CASE("goldens: embedding") {
  for (const json& j : goldens()["embedding"]) {
    if (!j["padding_idx"].is_null()) continue;  // no padding exists here
    INFO(j["name"].get<std::string>());
    Run run(j);
    Graph g(run.ws);
    const auto ids = j["ids"].get<std::vector<int32_t>>();
    run.check(g, embedding_sum(g, {{run.input(g, "table"), ids.data()}},
                               static_cast<int64_t>(ids.size())));
  }
}
