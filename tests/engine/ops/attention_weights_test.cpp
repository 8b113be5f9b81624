// What a graph shows of attention's probabilities: times V they are the op's result, in tiles, with
// masks, prefixes and shared key heads.
#include "engine/ops/attention_weights.h"

#include <doctest/doctest.h>

#include "engine/ops/attention.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::PoisonedWorkspace;

TEST_CASE("the weights that a graph shows, times V, are attention's result") {
  struct Case {
    bool causal;
    int64_t window, prefix, block;
    int key_heads;
  };
  for (const Case c :
       {Case{false, 0, 0, 128, 4}, Case{true, 0, 0, 128, 4}, Case{true, 0, 3, 2, 2},
        Case{true, 3, 2, 2, 1}, Case{false, 2, 2, 3, 2}, Case{false, 0, 4, 128, 2}}) {
    CAPTURE(c.causal);
    CAPTURE(c.window);
    CAPTURE(c.prefix);
    PoisonedWorkspace ws;
    constexpr int kHeads = 4, kWidth = 3;
    Segments segments;
    for (const int n : {5, 1, 7}) segments.add(n);
    const Tensor q = ws.tensor({13, kHeads * kWidth}), k = ws.tensor({13, c.key_heads * kWidth}),
                 v = ws.tensor({13, c.key_heads * kWidth});
    Tensor pk, pv;
    if (c.prefix > 0) {
      pk = ws.tensor({c.prefix, c.key_heads * kWidth});
      pv = ws.tensor({c.prefix, c.key_heads * kWidth});
    }
    AttentionWeights seen;
    GraphOptions graph;
    graph.record = false;
    graph.attention = &seen;
    Graph g(ws, graph);
    AttentionOptions options;
    options.heads = kHeads;
    options.key_heads = c.key_heads;
    options.causal = c.causal;
    options.window = c.window;
    options.block = c.block;
    const Tensor y = attention(g, q, k, v, segments, options, pk, pv);
    REQUIRE(seen.ops.size() == 1);
    CHECK(seen.ops[0].prefix == c.prefix);
    for (int s = 0; s < segments.count(); ++s)
      for (int64_t h = 0; h < kHeads; ++h) {
        const AttentionWeights::Head& head = seen.ops[0].of(s, h);
        REQUIRE(head.keys == c.prefix + segments.length(s));
        const int64_t column = h * c.key_heads / kHeads * kWidth;
        for (int64_t i = 0; i < head.queries; ++i) {
          double sum = 0;
          std::vector<double> out(kWidth);
          for (int64_t j = 0; j < head.keys; ++j) {
            const Scalar* row = j < c.prefix ? pv.row(j) : v.row(segments.begin(s) + j - c.prefix);
            const auto weight = static_cast<double>(head.row(i)[j]);
            sum += weight;
            for (int d = 0; d < kWidth; ++d)
              out[static_cast<size_t>(d)] += weight * static_cast<double>(row[column + d]);
          }
          CHECK(sum == doctest::Approx(1).epsilon(1e-5));
          for (int d = 0; d < kWidth; ++d)
            CHECK(out[static_cast<size_t>(d)] ==
                  doctest::Approx(static_cast<double>(y.row(segments.begin(s) + i)[h * kWidth + d]))
                      .epsilon(1e-4));
        }
      }
  }
}
