// The cost of a step, found dry, against the counters of the same step executed.
#include "engine/train/step_cost.h"

#include <doctest/doctest.h>

#include "engine/base/dry_run.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/loss.h"
#include "engine/optim/sgd.h"
#include "engine/train/pieces.h"

using namespace engine;

namespace {

// Word vectors, one hidden layer, a class for the first token of each sequence.
struct Net : Module {
  explicit Net(int64_t width)
      : hidden(width, 2 * width, Role::ffn_in, 0), out(2 * width, 3, Role::head, 1) {
    declare(words, "words", {50, width}, Role::embedding, -1);
    declare(hidden, "hidden");
    declare(out, "out");
    visit([](Parameter& p) { p.trainable = true; });
  }
  Tensor loss(Graph& g, const TokenBatch& batch) {
    const Tensor x = embedding_sum(g, {{g.use(words), batch.ids.data()}}, batch.tokens());
    const std::vector<int32_t> first(batch.segments.starts.begin(),
                                     batch.segments.starts.end() - 1);
    const Tensor logits = out(g, select_rows(g, hidden(g, x, Activation::gelu), first));
    return cross_entropy(g, logits, batch.labels.data());
  }
  Parameter words;
  Linear hidden, out;
};

TokenBatch batch_of(const std::vector<int32_t>& lengths) {
  TokenBatch batch;
  for (const int32_t length : lengths) {
    batch.segments.add(length);
    for (int32_t i = 0; i < length; ++i) batch.ids.push_back((7 * i + length) % 50);
    batch.labels.push_back(length % 3);
  }
  return batch;
}

}  // namespace

TEST_CASE("dry and executed: the same cost, in pieces of different lengths") {
  const TokenBatch batch = batch_of({3, 5, 4, 4, 4, 4, 9});
  for (const int64_t piece_tokens : {0, 8, 1}) {
    CAPTURE(piece_tokens);
    Net net(16);
    const Counters before = counters();
    const StepCost cost =
        cost_of_step(net, batch, piece_tokens, true,
                     [&](Graph& g, const TokenBatch& piece) { return net.loss(g, piece); });
    CHECK(counters() == before);
    CHECK(cost.system_allocations == 0);

    ParameterStore store(net);
    store.allocate();
    store.initialise(1);
    Workspace workspace;
    Pieces pieces;
    pieces.cut(batch, piece_tokens);
    Counters executed;
    for (int i = 0; i < pieces.count(); ++i) {
      counters() = {};
      Graph g(workspace, {.dropout = true});
      g.backward(net.loss(g, pieces.get(i)));
      executed.add(counters());
    }
    counters() = before;
    CHECK(static_cast<const Counters&>(cost) == executed);
    CHECK(cost.pieces == pieces.count());
    CHECK(cost.pool_bytes == workspace.pool.peak_bytes());
  }
}

TEST_CASE("a model of any size takes no memory, and has no values afterwards") {
  Net net(1 << 20);  // 2 TB of weights
  const StepCost cost =
      cost_of_step(net, batch_of({100, 100}), 0, false,
                   [&](Graph& g, const TokenBatch& piece) { return net.loss(g, piece); });
  CHECK(cost.system_allocations == 0);
  CHECK(cost.forward.flops == 2.0 * 200 * (1 << 20) * (1 << 21) + 2.0 * 2 * (1 << 21) * 3);
  CHECK(net.hidden.weight.value == nullptr);
  CHECK(net.hidden.weight.grad == nullptr);
  Workspace workspace;
  Graph g(workspace);
  CHECK_THROWS_WITH_AS(net.loss(g, batch_of({2})), doctest::Contains("has no values yet"), Error);
}

TEST_CASE("what depends on values refuses, and leaves everything as it was") {
  Net net(8);
  const TokenBatch batch = batch_of({2, 3});
  const Counters before = counters();
  CHECK_THROWS_WITH_AS(cost_of_step(net, batch, 0, false,
                                    [&](Graph& g, const TokenBatch& piece) {
                                      const Tensor loss = net.loss(g, piece);
                                      return loss.value() > 1 ? loss : scale(g, loss, 2);
                                    }),
                       doctest::Contains("a dry run has only shapes"), Error);
  CHECK(counters() == before);
  CHECK_FALSE(DryRun::on());
  CHECK(net.words.value == nullptr);

  const DryRun dry;
  ParameterStore store(net);
  store.allocate();
  CHECK_THROWS_WITH_AS(store.initialise(1), doctest::Contains("words: needs values"), Error);
  Sgd sgd(store.block());
  CHECK_THROWS_WITH_AS(sgd.step(0.1), doctest::Contains("optimizer: needs values"), Error);
  CHECK_THROWS_WITH_AS(
      cost_of_step(net, batch, 0, false,
                   [&](Graph& g, const TokenBatch& piece) { return net.loss(g, piece); }),
      doctest::Contains("has values already"), Error);
  for (Parameter* p : store.all()) p->value = nullptr;
}
