// LLaMA's parts in a small decoder: a model family in one file.
#include "engine/nn/rms_norm.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/gated.h"
#include "models/blocks.h"
#include "models/config_reader.h"
#include "models/registry.h"
#include "tests/toys/toys.h"

namespace {

using engine::Graph;
using engine::Linear;
using engine::RmsNorm;
using engine::Role;
using engine::Tensor;

struct ToyConfig {
  explicit ToyConfig(models::ConfigReader& in)
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

struct ToyLayer : engine::Module {
  ToyLayer(engine::Module& parent, std::string name, const ToyConfig& config, int number)
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

  const ToyConfig& c;
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
  Toy(const ToyConfig& config, engine::Json json) : c(config), json_(std::move(json)) {
    for (int i = 0; i < c.depth; ++i)
      layers_.push_back(std::make_unique<ToyLayer>(*this, "blocks." + std::to_string(i), c, i));
    norm_ = std::make_unique<RmsNorm>(*this, "norm", c.width, 1e-5, Role::final_norm, c.depth);
    engine::set_init_std(*this, 0.3);
  }
  const models::Facts& facts() const override { return facts_; }
  engine::Embedding& words() override { return words_; }
  engine::Json to_json() const override { return json_; }
  models::HeadNames names(models::HeadKind kind) const override {
    if (kind == models::HeadKind::classification)
      return {.architecture = "ToyForSequenceClassification", .out = "score", .out_bias = false};
    if (kind == models::HeadKind::language_model)
      return {.architecture = "ToyForCausalLM", .out = "lm_head", .tied = true};
    no_head(kind);
  }
  Tensor forward(Graph& g, const engine::Batch& batch, const models::Ask& ask) override {
    const auto places = models::position_ids(g, batch.segments, c.places);
    Tensor x =
        engine::look_up(g, {{words_, batch.ids.data()}, {places_, places.data()}}, batch.tokens());
    for (const auto& layer : layers_)
      x = (*layer)(g, x, {batch.segments, layer == layers_.back() ? ask.rows : nullptr});
    return (*norm_)(g, x);
  }

 private:
  const ToyConfig c;
  const engine::Json json_;
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
  std::vector<std::unique_ptr<ToyLayer>> layers_;
  std::unique_ptr<RmsNorm> norm_;
};

}  // namespace

std::string toys::family() {
  static const bool added = [] {
    models::add_family({.types = {"toy"},
                        .make = [](const engine::Json& json,
                                   const std::string& where) -> std::unique_ptr<models::Model> {
                          models::ConfigReader in(json, where);
                          const ToyConfig config(in);
                          return std::make_unique<Toy>(config, in.finish());
                        },
                        .random =
                            [](const models::RandomSpec& s) {
                              return engine::Json{
                                  {"model_type", "toy"},     {"vocab_size", s.vocab},
                                  {"places", s.positions},   {"width", s.hidden},
                                  {"depth", s.layers},       {"heads", s.heads},
                                  {"key_heads", s.kv_heads}, {"inner", s.ffn}};
                            },
                        .dropouts = {"dropout"}});
    return true;
  }();
  engine::check(added, "toy", "was not added");
  return "random:type=toy,layers=2,hidden=16,heads=4,kv_heads=2,ffn=24,positions=16";
}
