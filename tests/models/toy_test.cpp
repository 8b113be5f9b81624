// A model family of its own, in this file and nowhere else: what the engine has of LLaMA's parts,
// in a decoder that is opened, trained, counted dry, saved and merged like the built-in ones.
#include "engine/nn/rms_norm.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/gated.h"
#include "models/blocks.h"
#include "models/config_reader.h"
#include "models/registry.h"
#include "peft/adapter_file.h"
#include "tests/models/trainer.h"

using namespace testing;
using engine::Batch;
using engine::Graph;
using engine::Linear;
using engine::RmsNorm;
using engine::Role;
using engine::Tensor;
using models::HeadKind;
using models::HeadNames;

namespace {

struct Config {
  explicit Config(models::ConfigReader& in)
      : depth(static_cast<int>(in.size("depth"))),
        heads(static_cast<int>(in.size("heads"))),
        key_heads(static_cast<int>(in.size("key_heads"))),
        width(in.size("width")),
        inner(in.size("inner")),
        vocab(in.size("vocab_size")),
        places(in.size("places")),
        dropout(in.dropout("dropout", 0)) {}
  int depth, heads, key_heads;
  int64_t width, inner, vocab, places;
  double dropout;
  int64_t kv() const { return width / heads * key_heads; }
};

struct Layer : engine::Module {
  Layer(engine::Module& parent, std::string name, const Config& config, int number)
      : Module(parent, std::move(name)), c(config), layer(number) {}

  Tensor operator()(Graph& g, const Tensor& x, const models::Rows& rows) {
    const engine::KeyValue prefix = front(g);
    const Tensor at = rows.select(g, x);
    Tensor h;
    {
      const Tensor n = attention_norm(g, x), asking = rows.only ? attention_norm(g, at) : n;
      engine::AttentionOptions options;
      options.heads = c.heads;
      options.key_heads = c.key_heads;
      options.causal = true;
      const Tensor q = query(g, asking), k = key(g, n), v = value(g, n);
      h = output(g, models::attend(g, q, k, v, rows, options, prefix));
    }
    const Tensor middle = models::add_residual(g, after_attention, std::move(h), at, c.dropout);
    const Tensor n = ffn_norm(g, middle);
    h = down(g, engine::gated(g, gate(g, n), up(g, n), engine::Activation::silu));
    return models::add_residual(g, after_ffn, std::move(h), middle, c.dropout);
  }

  const Config& c;
  const int layer;
  RmsNorm attention_norm{*this, "norm_1", c.width, 1e-5, Role::attention_norm, layer};
  Linear query{*this, "q", c.width, c.width, Role::query, layer};
  Linear key{*this, "k", c.width, c.kv(), Role::key, layer};
  Linear value{*this, "v", c.width, c.kv(), Role::value, layer};
  engine::KvPoint front{*this, c.kv(), layer};
  Linear output{*this, "o", c.width, c.width, Role::attention_output, layer};
  engine::HookPoint after_attention{*this, "attention", c.width, engine::Point::after_attention,
                                    layer};
  RmsNorm ffn_norm{*this, "norm_2", c.width, 1e-5, Role::ffn_norm, layer};
  Linear gate{*this, "gate", c.width, c.inner, Role::ffn_gate, layer};
  Linear up{*this, "up", c.width, c.inner, Role::ffn_in, layer};
  Linear down{*this, "down", c.inner, c.width, Role::ffn_out, layer};
  engine::HookPoint after_ffn{*this, "ffn", c.width, engine::Point::after_ffn, layer};
};

class Toy : public models::Model {
 public:
  Toy(const Config& config, Json json) : c(config), json_(std::move(json)) {
    for (int i = 0; i < c.depth; ++i)
      layers_.push_back(std::make_unique<Layer>(*this, "blocks." + std::to_string(i), c, i));
    norm_ = std::make_unique<RmsNorm>(*this, "norm", c.width, 1e-5, Role::final_norm, c.depth);
    engine::set_init_std(*this, 0.3);
  }
  const models::Facts& facts() const override { return facts_; }
  engine::Embedding& words() override { return words_; }
  Json to_json() const override { return json_; }
  HeadNames names(HeadKind kind) const override {
    if (kind == HeadKind::classification)
      return {.architecture = "ToyForSequenceClassification", .out = "score", .out_bias = false};
    if (kind == HeadKind::language_model)
      return {.architecture = "ToyForCausalLM", .out = "lm_head", .tied = true};
    no_head(kind);
  }
  Tensor encode(Graph& g, const Batch& batch, const models::Ask& ask) override {
    const auto places = models::position_ids(g, batch.segments, c.places);
    Tensor x = engine::embedding_sum(
        g, {{g.use(words_.weight), batch.ids.data()}, {g.use(places_.weight), places.data()}},
        batch.tokens());
    for (const auto& layer : layers_)
      x = (*layer)(g, x, {batch.segments, layer == layers_.back() ? ask.rows : nullptr});
    return (*norm_)(g, x);
  }

 private:
  const Config c;
  const Json json_;
  const models::Facts facts_{.model_type = "toy",
                             .layers = c.depth,
                             .hidden = c.width,
                             .heads = c.heads,
                             .kv_heads = c.key_heads,
                             .ffn = c.inner,
                             .embedding = c.width,
                             .vocab = c.vocab,
                             .longest = c.places,
                             .init_std = 0.3,
                             .causal = true};
  engine::Embedding words_{*this, "words", c.vocab, c.width};
  engine::Embedding places_{*this, "places", c.places, c.width};
  std::vector<std::unique_ptr<Layer>> layers_;
  std::unique_ptr<RmsNorm> norm_;
};

std::string toy() {
  static const bool added = [] {
    models::add_family(
        {.types = {"toy"},
         .make = [](const Json& json, const std::string& where) -> std::unique_ptr<models::Model> {
           models::ConfigReader in(json, where);
           const Config config(in);
           return std::make_unique<Toy>(config, in.finish());
         },
         .random =
             [](const models::RandomSpec& s) {
               return Json{{"model_type", "toy"},     {"vocab_size", s.vocab},
                           {"places", s.positions},   {"width", s.hidden},
                           {"depth", s.layers},       {"heads", s.heads},
                           {"key_heads", s.kv_heads}, {"inner", s.ffn}};
             },
         .dropouts = {"dropout"}});
    return true;
  }();
  REQUIRE(added);
  return "random:type=toy,layers=2,hidden=16,heads=4,kv_heads=2,ffn=24,positions=16";
}

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
  engine::AdamW adamw(s.store->block(), engine::AdamWOptions{});
  for (int i = 0; i < steps; ++i) {
    s.backward(batch);
    adamw.step(1e-2, 1);
  }
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
  engine::AdamW adamw(store.block(), engine::AdamWOptions{});
  double first = 0, last = 0;
  for (int i = 0; i < 15; ++i) {
    store.clear_gradients();
    Graph g(workspace);
    const Tensor loss = head.loss(g, model->encode(g, batch, {&asked}), next);
    g.backward(loss);
    store.settle_gradients();
    adamw.step(1e-2, 1);
    last = static_cast<double>(*loss.data());
    if (i == 0) first = last;
  }
  CHECK(last < 0.7 * first);
}
