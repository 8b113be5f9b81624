// T5's relative bias: its buckets and attention with it against transformers' T5Attention
// (tools/goldens/encoder_decoders.py), and the same over a cache.
#include "engine/ops/relative_bias.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/ops/attention.h"
#include "engine/ops/kv_cache.h"
#include "tests/engine/autograd/support.h"
#include "tests/support/paths.h"

using namespace engine;
using nlohmann::json;
using testing::PoisonedWorkspace;

namespace {

const json& goldens() {
  static const json all =
      json::parse(std::ifstream(testing::golden("encoder_decoders/relative_bias.json")));
  return all;
}

// A table of zeros, for its shape.
RelativeBias shaped(PoisonedWorkspace& ws, int64_t buckets, bool bidirectional, int64_t longest) {
  return {ws.tensor({buckets, 2}), bidirectional, longest};
}

// Values of a pool's tensor from a golden's list of rows.
Tensor filled(PoisonedWorkspace& ws, const json& rows) {
  Tensor t(Shape{static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())},
           BlockRef(ws.pool.take(rows.size() * rows[0].size() * sizeof(Scalar))));
  for (size_t r = 0; r < rows.size(); ++r)
    for (size_t c = 0; c < rows[r].size(); ++c)
      t.row(static_cast<int64_t>(r))[c] = rows[r][c].get<Scalar>();
  return t;
}

double distance(const Tensor& found, const json& expected) {
  REQUIRE(found.rows() == static_cast<int64_t>(expected.size()));
  double worst = 0;
  for (int64_t r = 0; r < found.rows(); ++r)
    for (int64_t c = 0; c < found.cols(); ++c)
      worst = std::max(
          worst, std::abs(double(found.row(r)[c]) -
                          expected[static_cast<size_t>(r)][static_cast<size_t>(c)].get<double>()));
  return worst;
}

}  // namespace

TEST_CASE("distances fall into transformers' buckets") {
  for (const json& j : goldens()["buckets"]) {
    CAPTURE(j["num_buckets"].get<int>());
    CAPTURE(j["max_distance"].get<int>());
    PoisonedWorkspace ws;
    const RelativeBias bias =
        shaped(ws, j["num_buckets"], j["bidirectional"].get<bool>(), j["max_distance"]);
    const auto reach = j["reach"].get<int64_t>();
    int32_t bucket = 0;
    size_t change = 0;
    for (int64_t d = -reach; d <= reach; ++d) {
      if (change < j["changes"].size() && j["changes"][change][0].get<int64_t>() == d)
        bucket = j["changes"][change++][1].get<int32_t>();
      CAPTURE(d);
      CHECK(bias.bucket(d) == bucket);
    }
    CHECK(change == j["changes"].size());
  }
}

TEST_CASE("attention with a bias is T5Attention, with past keys as a prefix") {
#ifdef PEFT_SCALAR_DOUBLE
  constexpr double kTolerance = 1e-9;
#else
  constexpr double kTolerance = 1e-5;
#endif
  for (const json& j : goldens()["attention"]) {
    INFO(j["name"].get<std::string>());
    PoisonedWorkspace ws;
    Graph g(ws);
    const auto input = [&](const char* name) {
      return j["inputs"].contains(name) ? g.input(filled(ws, j["inputs"][name])) : Tensor();
    };
    const Tensor q = input("q"), k = input("k"), v = input("v"), pk = input("prefix_key"),
                 pv = input("prefix_value"), table = input("table");
    const RelativeBias bias{table, j["bidirectional"].get<bool>(), j["max_distance"]};
    AttentionOptions options;
    options.heads = j["heads"];
    options.causal = j["causal"];
    options.scale = 1;
    options.bias = &bias;
    Segments segments;
    segments.starts = j["segments"].get<std::vector<int32_t>>();
    const Tensor y = attention(g, q, k, v, segments, options, pk, pv);
    CHECK(distance(y, j["y"]) < kTolerance);
    const Tensor dy = filled(ws, j["dy"]), ghost = y.ghost();
    const Tensor sum = g.record("projection", g.scalar(0), {ghost},
                                [=](Backward& bw) { bw.into(ghost).put(dy.flat()); });
    g.backward(sum);
    for (const auto& [name, leaf] : {std::pair<const char*, Tensor>{"q", q},
                                     {"k", k},
                                     {"v", v},
                                     {"prefix_key", pk},
                                     {"prefix_value", pv},
                                     {"table", table}})
      if (leaf) {
        INFO(name);
        CHECK(distance(g.grad(leaf), j["gradients"][name]) < kTolerance);
      }
  }
}

TEST_CASE("a cache gives every step what attention gives its last query") {
  constexpr int kHeads = 4, kKeyHeads = 2, kWidth = 3, kPrefix = 2, kLength = 37;
  for (const int64_t window : {0, 5}) {
    CAPTURE(window);
    PoisonedWorkspace ws;
    const Tensor q = ws.tensor({kLength, kHeads * kWidth}, 1),
                 k = ws.tensor({kLength, kKeyHeads * kWidth}, 2),
                 v = ws.tensor({kLength, kKeyHeads * kWidth}, 3),
                 pk = ws.tensor({kPrefix, kKeyHeads * kWidth}, 4),
                 pv = ws.tensor({kPrefix, kKeyHeads * kWidth}, 5);
    const RelativeBias bias{ws.tensor({8, kHeads}, 6), false, 20};
    GraphOptions inference;
    inference.record = false;
    Graph g(ws, inference);
    Segments whole;
    whole.add(kLength);
    AttentionOptions options{.heads = kHeads, .causal = true, .key_heads = kKeyHeads};
    options.window = window;
    options.scale = 1;
    options.bias = &bias;
    const Tensor expected = attention(g, q, k, v, whole, options, pk, pv);
    KvCache cache(1, kKeyHeads * kWidth, 1);
    const CachedAttention cached{kHeads, kKeyHeads, window, 1, &bias};
    int64_t done = 0;
    for (const int64_t count : {0, 5, 1, 1, 12, 18}) {  // 0: the prefix
      Segments step;
      step.add(static_cast<int32_t>(count > 0 ? count : kPrefix));
      cache.begin_step(step);
      if (count == 0) {
        write_shared(cache, 0, pk, pv);
      } else {
        const auto part = [&](const Tensor& x) {
          return Tensor(Shape{count, x.cols()}, x.row(done));
        };
        const Tensor y = cached_attention(g, part(q), part(k), part(v), step, cached, cache, 0);
        for (int64_t i = 0; i < y.size(); ++i)
          CHECK(y.data()[i] == doctest::Approx(expected.row(done)[i]).epsilon(1e-5));
        done += count;
      }
      cache.end_step();
    }
    CHECK(done == kLength);
  }
}

TEST_CASE("a bias that does not fit says so") {
  PoisonedWorkspace ws;
  Graph g(ws);
  const Tensor x = ws.tensor({3, 4});
  Segments segments, queries;
  segments.add(2);
  segments.add(1);
  queries.add(1);
  queries.add(2);
  AttentionOptions options{.heads = 2};
  const auto says = [&](const RelativeBias& bias, const Segments* asked = nullptr) {
    options.bias = &bias;
    try {
      attention(g, x, x, x, segments, options, {}, {}, asked);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(says({ws.tensor({8, 3})}) == "relative bias: a table (8, 3) does not fit 2 heads");
  CHECK(says(shaped(ws, 3, true, 128)).find("relative bias: 3 buckets for distances of 128") == 0);
  CHECK(
      says(shaped(ws, 32, false, 16)).find("hint: relative_attention_num_buckets is at least 2") !=
      std::string::npos);
  CHECK(says(shaped(ws, 8, true, 128), &queries) ==
        "attention: 2 queries of a sequence of 1 keys have no distance for a bias");
  CHECK(says(shaped(ws, 8, true, 128)).empty());
}
