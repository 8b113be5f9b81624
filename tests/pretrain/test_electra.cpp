#include <doctest/doctest.h>

#include <cmath>

#include "models/electra_pretraining.h"
#include "models/pretrained.h"
#include "tests/pretrain/toy.h"

namespace {

using engine::Tensor;

models::ModelConfig tiny_electra() {
  auto config = models::config_from_spec(
      "random:layers=2,hidden=16,heads=4,ffn=24,positions=32,embedding=12,type=electra", 26);
  config.set_dropout(0);
  return config;
}

struct Electra {
  Electra() : model(tiny_electra(), 0.5), store(model) {
    for (engine::Parameter* p : store.all()) p->trainable = true;
    store.allocate();
    store.initialise(1);
  }
  models::ElectraPretraining model;
  engine::ParameterStore store;
  engine::Workspace workspace;
};

engine::TokenBatch sentences() {
  engine::TokenBatch b;
  b.ids = {2, 7, 4, 9, 10, 3, 2, 4, 12, 13, 4, 15, 16, 3};
  b.types.assign(14, 0);
  b.segments.add(6);
  b.segments.add(8);
  return b;
}
const std::vector<int32_t> kMaskedRows{2, 7, 10}, kMaskedIds{8, 11, 25};

}  // namespace

TEST_CASE("replaced-token detection: names, and what is exported") {
  Electra m;
  for (const char* name :
       {"electra.embeddings.word_embeddings.weight", "electra.embeddings_project.weight",
        "discriminator_predictions.dense.weight",
        "discriminator_predictions.dense_prediction.weight",
        "generator.encoder.layer.1.attention.self.query.weight",
        "generator_predictions.dense.weight", "generator_predictions.LayerNorm.weight",
        "generator_lm_head.bias"})
    CHECK_MESSAGE(m.store.find(name) != nullptr, name);
  CHECK(m.store.find("generator.encoder.layer.0.attention.self.query.weight")->dims ==
        std::vector<int64_t>{8, 8});
  const testing::TempDir dir;
  models::save_pretrained(dir / "model",
                          models::pretraining_json(m.model.config(), "ElectraForPreTraining", 0.1),
                          m.store, engine::DType::F16, "generator");
  const models::ModelSource source = models::open_model((dir / "model").string());
  models::SequenceClassifier classifier(source.config);
  engine::ParameterStore store(classifier);
  for (engine::Parameter* p : store.all()) p->trainable = true;
  store.allocate();
  const engine::LoadReport report = models::load_weights(source, store, 1, false);
  for (const std::string& name : report.missing) CHECK(name.starts_with("classifier."));
  for (const std::string& name : report.unexpected)
    CHECK(name.starts_with("discriminator_predictions."));
}

TEST_CASE("replaced-token detection: the loss by hand, and the draw by its key") {
  Electra m;
  const engine::TokenBatch b = sentences();
  const auto value = [&](uint64_t key, models::RtdCounts* counts) {
    engine::Graph g(m.workspace, {.record = false});
    return static_cast<double>(
        *m.model.loss(g, b, kMaskedRows, kMaskedIds, 50, key, counts).data());
  };
  models::RtdCounts counts, again;
  const double loss = value(3, &counts);
  const std::vector<int32_t> ids = counts.ids;
  CHECK(value(3, &again) == loss);
  CHECK(again.ids == ids);
  CHECK(loss ==
        doctest::Approx(counts.generator_loss + 50 * counts.discriminator_loss).epsilon(1e-5));
  for (int32_t row = 0; row < 14; ++row)
    if (row != 2 && row != 7 && row != 10)
      CHECK(ids[static_cast<size_t>(row)] == b.ids[static_cast<size_t>(row)]);
  engine::Graph g(m.workspace, {.record = false});
  engine::TokenBatch corrupted = b;
  corrupted.ids = ids;
  const Tensor x = m.model.discriminate(g, corrupted);
  double expected = 0;
  int64_t right = 0;
  for (int32_t row = 0; row < 14; ++row) {
    bool replaced = false;
    for (size_t i = 0; i < 3; ++i)
      replaced |= kMaskedRows[i] == row && ids[static_cast<size_t>(row)] != kMaskedIds[i];
    const double v = static_cast<double>(x.data()[row]), p = 1 / (1 + std::exp(-v));
    expected -= std::log(replaced ? p : 1 - p) / 14;
    right += (v > 0) == replaced;
  }
  CHECK(counts.discriminator_loss == doctest::Approx(expected).epsilon(1e-5));
  CHECK(counts.discriminator_correct == right);
}

TEST_CASE("sample_rows draws by the probabilities") {
  engine::Workspace workspace;
  engine::Graph g(workspace, {.record = false});
  const int64_t n = 20000, classes = 300;
  const Tensor logits = g.make({n, classes});
  const auto p = [](int64_t c) { return c == 7 ? 0.5 : c == 299 ? 0.2 : 0.3 / 298; };
  for (int64_t r = 0; r < n; ++r)
    for (int64_t c = 0; c < classes; ++c)
      logits.row(r)[c] = static_cast<engine::Scalar>(std::log(p(c)) + 3);
  std::vector<double> counts(classes, 0);
  const auto drawn = models::sample_rows(logits, 5);
  for (const int32_t c : drawn) ++counts[static_cast<size_t>(c)];
  CHECK(counts[7] / n == doctest::Approx(0.5).epsilon(0.03));
  CHECK(counts[299] / n == doctest::Approx(0.2).epsilon(0.05));
  double rest = 0;
  for (int64_t c = 0; c < classes; ++c)
    rest += c != 7 && c != 299 && counts[static_cast<size_t>(c)] > 0;
  CHECK(rest == 298);
  CHECK(models::sample_rows(logits, 5) == drawn);
  CHECK(models::sample_rows(logits, 6) != drawn);
}
