// A warm step takes nothing from the heap: operator new is replaced in this executable, and counts.
#include "tests/support/heap.h"

#include <doctest/doctest.h>

#include "engine/base/philox.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"
#include "engine/ops/attention.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPlain = true;  // here the pool hands every block to AddressSanitizer
#else
constexpr bool kPlain = false;
#endif

using namespace engine;

namespace {

// Every op once, in the shape of a transformer layer with a head.
struct Net : Module {
  Net() {
    declare(words, "words", {50, 32}, Role::embedding, -1);
    declare(query, "query");
    declare(key, "key");
    declare(value, "value");
    declare(output, "output");
    declare(norm, "norm");
    declare(in, "in");
    declare(out, "out");
    declare(norm2, "norm2");
    declare(a, "a", {4, 32}, Role::injected, 0);
    declare(b, "b", {64, 4}, Role::injected, 0);
    declare(ia3, "ia3", {32}, Role::injected, 0);
    declare(head, "head");
  }
  Tensor operator()(Graph& g, const TokenBatch& batch, const std::vector<int32_t>& first) {
    Tensor x = dropout(
        g,
        embedding_sum(g, {{g.use(words), batch.ids.data()}, {g.use(words), batch.types.data()}},
                      batch.tokens()),
        0.1);
    AttentionOptions options;
    options.heads = 4;
    options.dropout = 0.1;
    const Tensor mixed = attention(g, query(g, x), column_scale(g, key(g, x), g.use(ia3)),
                                   value(g, x), batch.segments, options);
    const Tensor middle = norm(g, output(g, mixed), x, 0.1);
    Tensor wide = low_rank_add(g, in(g, middle), middle, g.use(a), g.use(b), 2, 0.1);
    wide = activation(g, wide, Activation::gelu);
    const Tensor y = norm2(g, scale(g, out(g, wide), 1), middle, 0.1);
    return cross_entropy(
        g, head(g, select_rows(g, select_columns(g, y, 0, 16), first), Activation::tanh),
        batch.labels.data(), 0.1);
  }
  Parameter words, a, b, ia3;
  Linear query{32, 32, Role::query, 0}, key{32, 32, Role::key, 0}, value{32, 32, Role::value, 0},
      output{32, 32, Role::attention_output, 0}, in{32, 64, Role::ffn_in, 0},
      out{64, 32, Role::ffn_out, 0}, head{16, 3, Role::head, 1};
  LayerNorm norm{32, 1e-5, Role::attention_norm, 0}, norm2{32, 1e-5, Role::ffn_norm, 0};
};

TokenBatch batch_of(uint64_t seed) {
  Random random(seed);
  TokenBatch batch;
  for (int s = 0; s < 6; ++s) {
    const auto length = static_cast<int32_t>(1 + random.below(20));
    batch.segments.add(length);
    for (int i = 0; i < length; ++i) {
      batch.ids.push_back(static_cast<int32_t>(random.below(50)));
      batch.types.push_back(static_cast<int32_t>(random.below(2)));
    }
    batch.labels.push_back(static_cast<double>(random.below(3)));
  }
  return batch;
}

}  // namespace

TEST_CASE("a warm training step takes nothing from the heap and nothing from the system" *
          doctest::skip(kPlain)) {
  Net net;
  ParameterStore store(net);
  for (Parameter* p : store.all()) p->trainable = true;
  store.allocate();
  store.initialise(1);
  std::vector<TokenBatch> batches;
  std::vector<std::vector<int32_t>> firsts;
  for (uint64_t i = 0; i < 30; ++i) {
    batches.push_back(batch_of(i));
    firsts.emplace_back(batches.back().segments.starts.begin(),
                        batches.back().segments.starts.end() - 1);
  }
  Workspace ws;
  const auto step = [&](size_t i) {
    GraphOptions options;
    options.dropout = true;
    options.step = i;
    store.clear_gradients();
    Graph g(ws, options);
    const Tensor loss = net(g, batches[i], firsts[i]);
    g.backward(loss);
    store.settle_gradients();
    return static_cast<double>(*loss.data());
  };
  for (size_t i = 0; i < 5; ++i) CHECK(step(i) > 0);
  const int64_t before = testing::allocations, system = ws.pool.system_allocations();
  double sum = 0;
  for (size_t i = 5; i < 30; ++i) sum += step(i);  // batches of other sizes
  CHECK(testing::allocations - before == 0);
  CHECK(ws.pool.system_allocations() == system);
  CHECK(sum > 0);
}
