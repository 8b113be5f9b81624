// A model family of its own, opened, trained, counted dry, saved and merged like the built-in ones.
#include "models/registry.h"
#include "peft/adapter_file.h"
#include "tests/models/trainer.h"
#include "tests/toys/toys.h"

using namespace testing;
using engine::Batch;
using engine::Graph;
using engine::Tensor;
using models::HeadKind;

namespace {

std::string toy() { return toys::family(); }

const std::vector<std::string> kSpecs = {"full",
                                         "top:layers=1",
                                         "bitfit",
                                         "lora:r=4,alpha=8",
                                         "ia3",
                                         "adapter:kind=houlsby,size=8",
                                         "adapter:kind=pfeiffer,size=8",
                                         "adapter:kind=parallel,size=8",
                                         "prefix:length=3,flat=true"};

void train(Subject& s, const Batch& batch, int steps) {
  Training training(s, 1e-2);
  for (int i = 0; i < steps; ++i) training.step(batch);
}

}  // namespace

TEST_CASE("a family of a test's own: its sites") {
  Subject s(toy());
  CHECK(s.sites.model_type == "toy");
  CHECK(s.sites.linears.size() == 2 * 7 + 1);
  CHECK(s.sites.points.size() == 4);
  CHECK(s.sites.kv.width() == 8);  // two key heads of four columns
  CHECK(s.sites.kv.heads == 2);
  CHECK_THROWS_AS(models::add_family({.types = {"bert"}}), engine::Error);
  const std::string unknown = message_of([&] {
    models::make_model({{"model_type", "toys"}}, "x");
  });
  CHECK(contains(unknown, "distilbert"));
  CHECK(contains(unknown, "toy"));
  CHECK(contains(unknown, "qwen3"));
  CHECK(contains(message_of([&] { s.model->model().names(HeadKind::masked_lm); }),
                 "model_type 'toy' has no head for masked language modelling"));
}

TEST_CASE("a family of a test's own: injection changes nothing, training lowers the loss") {
  const Batch batch = random_batch(6, 7, 64, 2);
  const Matrix before = Subject(toy(), "frozen").logits(batch);
  for (const auto& spec : kSpecs) {
    CAPTURE(spec);
    Subject s(toy(), spec);
    if (!spec.starts_with("prefix")) CHECK(same_bits(before, s.logits(batch)));
    const double first = s.loss(batch);
    train(s, batch, 20);
    CHECK(s.loss(batch) < 0.95 * first);
  }
}

TEST_CASE("a family of a test's own: a causal model reads each sequence's last token") {
  Subject s(toy());
  Batch batch = random_batch(2, 5, 64, 2);
  const Matrix before = s.logits(batch), hidden = s.hidden(batch);
  REQUIRE(hidden.rows() == 10);
  batch.ids[9] = (batch.ids[9] + 1) % 64;
  const Matrix after = s.logits(batch), later = s.hidden(batch);
  CHECK(before.row(0) == after.row(0));
  CHECK(before.row(1) != after.row(1));
  CHECK(hidden.topRows(9) == later.topRows(9));  // nobody sees a later token
}

TEST_CASE("a family of a test's own: saved and opened again, its adapter too") {
  const Batch batch = random_batch(5, 6, 64, 2);
  TempDir folder;
  Subject s(toy(), "full");
  train(s, batch, 2);
  models::save_classifier(folder / "model", *s.model, *s.store,
                          kDouble ? engine::DType::F64 : engine::DType::F32);
  Subject again((folder / "model").string());
  CHECK(again.report.missing.empty());
  CHECK(same_bits(again.logits(batch), s.logits(batch)));

  for (const auto& spec : kSpecs) {
    CAPTURE(spec);
    Subject trained((folder / "model").string(), spec);
    train(trained, batch, 2);
    peft::save_adapter(folder / "adapter", *trained.strategy, *trained.store, {}, trained.sites);
    const peft::AdapterFile file = peft::load_adapter(folder / "adapter");
    Subject fresh((folder / "model").string(), file.spec);
    peft::apply_adapter(file, *fresh.store, "");
    CHECK(distance(fresh.logits(batch), trained.logits(batch)) < 1e-6);  // files are F32
  }
}

TEST_CASE("a family of a test's own: merged equals unmerged") {
  const Batch batch = random_batch(5, 6, 64, 2);
  for (const std::string spec :
       {"lora:r=4,alpha=8", "lora:r=2,roles=query+key+value+attention_output+ffn_in+ffn_out", "ia3",
        "ia3:roles=query+key+value+ffn_in"}) {
    CAPTURE(spec);
    Subject s(toy(), spec);
    train(s, batch, 3);
    const Matrix before = s.logits(batch);
    s.strategy->merge(*s.store);
    CHECK(distance(s.logits(batch), before) < (kDouble ? 1e-12 : 1e-5));
  }
}

TEST_CASE("a family of a test's own: language modelling with the table of words") {
  const auto config = models::config_from_spec(toy(), 64);
  const auto model = models::make_model(config.json, "toy");
  models::VocabularyHead head(*model, HeadKind::language_model);
  engine::ParameterStore store(*model);
  CHECK(store.find("lm_head.weight") == nullptr);
  for (engine::Parameter* p : store.all()) p->trainable = true;
  store.allocate();
  store.initialise(1);
  const Batch batch = random_batch(3, 6, 64, 2);
  // Every token but a sequence's last predicts the next one.
  std::vector<int32_t> rows, next;
  for (int s = 0; s < batch.sequences(); ++s)
    for (int32_t i = 0; i + 1 < batch.segments.length(s); ++i) {
      rows.push_back(batch.segments.begin(s) + i);
      next.push_back(batch.ids[static_cast<size_t>(rows.back() + 1)]);
    }
  engine::RowSelection asked;
  asked.choose(batch.segments, rows);
  engine::Workspace workspace;
  Training training(
      workspace, store,
      [&](Graph& g, const Batch&) { return head.loss(g, model->encode(g, batch, {&asked}), next); },
      {.lr = 1e-2, .max_grad_norm = 0, .dropout = false});
  const double first = training.step(batch).loss;
  double last = first;
  for (int i = 1; i < 15; ++i) last = training.step(batch).loss;
  CHECK(last < 0.7 * first);
}
