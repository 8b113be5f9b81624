// In double: central differences of whole pretraining losses. The word embeddings are used twice,
// at the input and at the output, and both must be in their gradient.
#include <doctest/doctest.h>

#include "engine/autograd/gradcheck.h"
#include "models/electra_pretraining.h"
#include "models/masked_lm.h"
#include "tests/pretrain/toy.h"

namespace {

engine::TokenBatch batch() {
  engine::TokenBatch b;
  b.ids = {2, 7, 4, 9, 10, 3, 2, 4, 12, 13, 4, 15, 16, 3};
  b.types = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
  b.segments.add(6);
  b.segments.add(8);
  return b;
}
const std::vector<int32_t> kRows{2, 7, 10}, kLabels{8, 11, 25};

models::ModelConfig tiny(const std::string& more) {
  auto config =
      models::config_from_spec("random:layers=2,hidden=16,heads=4,ffn=24,positions=32," + more, 26);
  config.set_dropout(0);
  config.json["initializer_range"] = 0.2;  // so that attention is not flat
  return config;
}

std::vector<engine::Leaf*> prepare(engine::ParameterStore& store) {
  std::vector<engine::Leaf*> leaves;
  for (engine::Parameter* p : store.all()) {
    p->trainable = true;
    leaves.push_back(p);
  }
  store.allocate();
  store.initialise(7);
  engine::Random random(9);
  for (engine::Parameter* p : store.all())
    if (p->bias) std::generate_n(p->value, p->count(), [&] { return 0.1 * random.normal(); });
  return leaves;
}

}  // namespace

TEST_CASE("masked lm: the gradient of the whole loss, and of the tied table alone") {
  models::MaskedLm model(tiny("type=bert"));
  engine::ParameterStore store(model);
  const auto leaves = prepare(store);
  engine::Workspace workspace;
  const engine::TokenBatch b = batch();
  const auto loss = [&](engine::Graph& g) { return model.loss(g, b, kRows, kLabels); };
  store.clear_gradients();
  const auto all = engine::directional_check(workspace, leaves, loss);
  CHECK_MESSAGE(all.relative < 1e-7, all.text());

  // Element by element: a row that is only read (7), one that is only a label (8), one that is both
  // a label and nothing (25), and one that never occurs (20: its logit is in every softmax).
  engine::Parameter& table = *store.find("bert.embeddings.word_embeddings.weight");
  const auto value = [&] {
    engine::Graph g(workspace, {.record = false});
    return static_cast<double>(*loss(g).data());
  };
  {
    store.clear_gradients();
    engine::Graph g(workspace);
    g.backward(loss(g));
    store.settle_gradients();
  }
  for (const int64_t row : {7, 8, 25, 20, 4})
    for (int64_t c = 0; c < 16; c += 5) {
      const int64_t i = row * 16 + c;
      const double before = table.value[i], h = 1e-5;
      table.value[i] = before + h;
      const double up = value();
      table.value[i] = before - h;
      const double down = value();
      table.value[i] = before;
      CHECK(table.grad[i] == doctest::Approx((up - down) / (2 * h)).epsilon(1e-5).scale(1e-3));
    }
}

TEST_CASE("masked lm: two parts of an update add up") {
  models::MaskedLm model(tiny("type=bert"));
  engine::ParameterStore store(model);
  prepare(store);
  engine::Workspace workspace;
  const engine::TokenBatch b = batch();
  const auto gradient = [&](const std::vector<std::vector<int32_t>>& rows,
                            const std::vector<std::vector<int32_t>>& labels) {
    store.clear_gradients();
    for (size_t i = 0; i < rows.size(); ++i) {
      engine::Graph g(workspace);
      g.backward(model.loss(g, b, rows[i], labels[i]), 1.0 / static_cast<double>(rows.size()));
    }
    store.settle_gradients();
    return std::vector<double>(store.block().grad, store.block().grad + store.block().size);
  };
  const auto whole = gradient({{2, 7, 10, 12}}, {{8, 11, 25, 9}}),
             parts = gradient({{2, 7}, {10, 12}}, {{8, 11}, {25, 9}});
  double difference = 0, largest = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    difference = std::max(difference, std::abs(whole[i] - parts[i]));
    largest = std::max(largest, std::abs(whole[i]));
  }
  CHECK(difference < 1e-12 * std::max(1.0, largest));
}

TEST_CASE("replaced-token detection: the gradient of the whole loss") {
  models::ElectraPretraining model(tiny("type=electra,embedding=12"), 0.5);
  engine::ParameterStore store(model);
  const auto leaves = prepare(store);
  engine::Workspace workspace;
  const engine::TokenBatch b = batch();
  store.clear_gradients();
  // A draw is a step function of the weights: with this key none changes within the differences
  // (the check would fail).
  const auto error = engine::directional_check(
      workspace, leaves, [&](engine::Graph& g) { return model.loss(g, b, kRows, kLabels, 5, 11); });
  CHECK_MESSAGE(error.relative < 1e-6, error.text());
}
