#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "engine/autograd/graph.h"
#include "engine/io/json.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "models/masked_lm.h"
#include "models/pretrained.h"
#include "tests/pretrain/toy.h"

namespace {

using engine::Tensor;

models::ModelConfig tiny(const std::string& type = "bert") {
  auto config = models::config_from_spec(
      "random:layers=2,hidden=16,heads=2,ffn=24,positions=32,type=" + type, 26);
  config.set_dropout(0);
  return config;
}

struct Model {
  explicit Model(uint64_t seed = 1) : model(tiny()), store(model) {
    for (engine::Parameter* p : store.all()) p->trainable = true;
    store.allocate();
    store.initialise(seed);
  }
  models::MaskedLm model;
  engine::ParameterStore store;
  engine::Workspace workspace;
};

engine::TokenBatch batch() {
  engine::TokenBatch b;
  b.ids = {2, 7, 4, 9, 10, 3, 2, 4, 12, 13, 4, 15, 16, 3};
  b.types = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
  b.segments.add(6);
  b.segments.add(8);
  return b;
}
const std::vector<int32_t> kRows{2, 7, 10}, kLabels{8, 11, 25};

}  // namespace

TEST_CASE("masked lm: Hugging Face's names") {
  Model m;
  for (const char* name :
       {"bert.embeddings.word_embeddings.weight",
        "bert.encoder.layer.1.attention.self.query.weight",
        "cls.predictions.transform.dense.weight", "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.LayerNorm.weight", "cls.predictions.transform.LayerNorm.bias",
        "cls.predictions.bias"})
    CHECK_MESSAGE(m.store.find(name) != nullptr, name);
  for (const engine::Parameter* p : m.store.all())
    CHECK(p->name.find("decoder") == std::string::npos);  // tied
  CHECK_THROWS_AS(models::MaskedLm(tiny("electra")), engine::Error);
}

TEST_CASE("masked lm: only the masked rows, and the same as everything computed at all rows") {
  Model m;
  const engine::TokenBatch b = batch();
  std::vector<int32_t> all(static_cast<size_t>(b.tokens()));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int32_t>(i);
  engine::Graph g(m.workspace, {.record = false});
  const Tensor every = m.model.logits(g, b, all), some = m.model.logits(g, b, kRows);
  REQUIRE(some.shape() == engine::Shape{3, 26});
  double expected = 0;
  int64_t hits = 0;
  for (size_t i = 0; i < kRows.size(); ++i) {  // -log softmax by hand, in double
    double sum = 0;
    int best = 0;
    for (int c = 0; c < 26; ++c) {
      CHECK(some.row(static_cast<int64_t>(i))[c] ==
            doctest::Approx(every.row(kRows[i])[c]).epsilon(1e-4));
      sum += std::exp(static_cast<double>(every.row(kRows[i])[c]));
      if (every.row(kRows[i])[c] > every.row(kRows[i])[best]) best = c;
    }
    expected += std::log(sum) - static_cast<double>(every.row(kRows[i])[kLabels[i]]);
    hits += best == kLabels[i];
  }
  int64_t correct = -1;
  const Tensor loss = m.model.loss(g, b, kRows, kLabels, &correct);
  CHECK(*loss.data() == doctest::Approx(expected / 3).epsilon(1e-5));
  CHECK(correct == hits);
  // A token of another sequence cannot matter, to the last bit; rows that are not asked for may
  // (products of another shape).
  engine::TokenBatch other = b;
  other.ids[13] = 20;
  const Tensor moved = m.model.logits(g, other, kRows), alone = m.model.logits(g, b, {2});
  for (int c = 0; c < 26; ++c) {
    CHECK(moved.row(0)[c] == some.row(0)[c]);
    CHECK(alone.row(0)[c] == doctest::Approx(some.row(0)[c]).epsilon(1e-4));
  }
}

TEST_CASE("masked lm: what is exported loads into a classifier, and into a masked lm again") {
  Model m;
  const testing::TempDir dir;
  const auto folder = dir / "model";
  models::save_pretrained(folder,
                          models::pretraining_json(m.model.config(), "BertForMaskedLM", 0.1),
                          m.store, engine::DType::F16);
  const engine::Json config = engine::json_file(folder / "config.json");
  CHECK(config["architectures"] == engine::Json{"BertForMaskedLM"});
  CHECK(config["hidden_dropout_prob"] == 0.1);
  CHECK(!config.contains("id2label"));

  const models::ModelSource source = models::open_model(folder.string());
  CHECK(source.config.facts.hidden == 16);
  models::SequenceClassifier classifier(source.config);
  engine::ParameterStore store(classifier);
  for (engine::Parameter* p : store.all()) p->trainable = true;
  store.allocate();
  const engine::LoadReport report = models::load_weights(source, store, 1, false);
  CHECK(report.missing == std::vector<std::string>{"bert.pooler.dense.weight",
                                                   "bert.pooler.dense.bias", "classifier.weight",
                                                   "classifier.bias"});
  const std::set<std::string> unexpected(report.unexpected.begin(), report.unexpected.end());
  CHECK(unexpected == std::set<std::string>{"cls.predictions.bias",
                                            "cls.predictions.transform.dense.weight",
                                            "cls.predictions.transform.dense.bias",
                                            "cls.predictions.transform.LayerNorm.weight",
                                            "cls.predictions.transform.LayerNorm.bias"});
  for (const engine::Parameter* p : store.all()) {
    const engine::Parameter* from = m.store.find(p->name);
    if (!from) continue;
    for (int64_t i = 0; i < p->count(); ++i)
      CHECK(p->value[i] == doctest::Approx(from->value[i]).epsilon(1e-3));
  }
  models::MaskedLm again(source.config);
  engine::ParameterStore second(again);
  for (engine::Parameter* p : second.all()) p->trainable = true;
  second.allocate();
  CHECK(models::load_weights(source, second, 2, false).missing.empty());
}
