// DistilBERT (Sanh et al. 2019): a post-LN encoder like BERT without token types, without dropout
// after attention, with names of its own.
#include "engine/base/counters.h"
#include "models/blocks.h"
#include "models/config_reader.h"
#include "models/registry.h"

namespace models {
namespace {

using engine::Activation;
using engine::Graph;
using engine::HookPoint;
using engine::Json;
using engine::LayerNorm;
using engine::Linear;
using engine::Point;
using engine::Role;
using engine::Tensor;

constexpr double kEps = 1e-12;  // of every LayerNorm; no setting

struct Config {
  int layers, heads;
  int64_t hidden, ffn, vocab, positions;
  Activation act;
  double dropout, attention_dropout, classifier_dropout, init_std;
  bool tied;

  explicit Config(ConfigReader& in)
      : layers(static_cast<int>(in.size("n_layers"))),
        heads(static_cast<int>(in.size("n_heads"))),
        hidden(in.size("dim")),
        ffn(in.size("hidden_dim")),
        vocab(in.size("vocab_size")),
        positions(in.size("max_position_embeddings")),
        act(in.activation("activation", "gelu")),
        dropout(in.dropout("dropout", 0.1)),
        attention_dropout(in.dropout("attention_dropout", 0.1)),
        classifier_dropout(in.dropout("seq_classif_dropout", 0.2)),
        init_std(in.get_or<double>("initializer_range", 0.02)),
        tied(in.get_or<bool>("tie_word_embeddings", true)) {
    in.only("position_embedding_type", "absolute");
    // How positions start in pretraining (the file has their values), a head for question
    // answering.
    in.harmless({"sinusoidal_pos_embds", "qa_dropout", "tie_weights_"});
    engine::check(hidden % heads == 0, in.where(), "dim ", hidden, " does not divide into n_heads ",
                  heads);
  }
};

struct Layer : engine::Module {
  Layer(engine::Module& parent, std::string name, const Config& config, int number)
      : Module(parent, std::move(name)), c(config), layer(number) {}

  Tensor operator()(Graph& g, const Tensor& x, const Rows& rows) {
    const engine::KeyValue prefix = front(g);
    const Tensor at = rows.select(g, x);
    Tensor h;
    {
      const Tensor q = query(g, at), k = key(g, x), v = value(g, x);
      h = output(g, attend(g, q, k, v, rows, {c.heads, false, c.attention_dropout}, prefix));
    }
    const Tensor middle = add_norm(g, after_attention, std::move(h), at, attention_norm, 0);
    h = ffn_out(g, ffn_in(g, middle, c.act));
    return add_norm(g, after_ffn, std::move(h), middle, ffn_norm, c.dropout);
  }

  const Config& c;
  const int layer;
  Linear query{*this, "attention.q_lin", c.hidden, c.hidden, Role::query, layer};
  Linear key{*this, "attention.k_lin", c.hidden, c.hidden, Role::key, layer};
  Linear value{*this, "attention.v_lin", c.hidden, c.hidden, Role::value, layer};
  engine::KvPoint front{*this, c.hidden, layer};
  Linear output{*this, "attention.out_lin", c.hidden, c.hidden, Role::attention_output, layer};
  LayerNorm attention_norm{*this, "sa_layer_norm", c.hidden, kEps, Role::attention_norm, layer};
  HookPoint after_attention{*this, "attention", c.hidden, Point::after_attention, layer};
  Linear ffn_in{*this, "ffn.lin1", c.hidden, c.ffn, Role::ffn_in, layer};
  Linear ffn_out{*this, "ffn.lin2", c.ffn, c.hidden, Role::ffn_out, layer};
  LayerNorm ffn_norm{*this, "output_layer_norm", c.hidden, kEps, Role::ffn_norm, layer};
  HookPoint after_ffn{*this, "ffn", c.hidden, Point::after_ffn, layer};
};

class DistilBert : public Model {
 public:
  DistilBert(const Config& config, Json json) : c_(config), json_(std::move(json)) {
    for (int i = 0; i < c_.layers; ++i)
      layers_.push_back(
          std::make_unique<Layer>(base_, "transformer.layer." + std::to_string(i), c_, i));
    engine::set_init_std(*this, c_.init_std);
  }

  const Facts& facts() const override { return facts_; }
  engine::Embedding& words() override { return embeddings_.words; }
  Json to_json() const override { return json_; }

  Tensor forward(Graph& g, const engine::Batch& batch, const Ask& ask) override {
    engine::counters().tokens += batch.tokens();
    Tensor x = embeddings_(g, batch);
    for (const auto& layer : layers_)
      x = (*layer)(g, x, {batch.segments, layer == layers_.back() ? ask.rows : nullptr});
    return x;
  }

  HeadNames names(HeadKind kind) const override {
    switch (kind) {
      case HeadKind::classification:
        return {.architecture = "DistilBertForSequenceClassification",
                .dense = "pre_classifier",
                .act = Activation::relu,
                .drop_first = false,
                .out = "classifier",
                .dropout = c_.classifier_dropout};
      case HeadKind::token_classification:
        return {.architecture = "DistilBertForTokenClassification",
                .out = "classifier",
                .dropout = c_.dropout};
      case HeadKind::masked_lm:
        return {.architecture = "DistilBertForMaskedLM",
                .dense = "vocab_transform",
                .dense_role = Role::lm_head,
                .act = c_.act,
                .norm = "vocab_layer_norm",
                .norm_eps = kEps,
                .out = "vocab_projector",
                .tied = c_.tied,
                .tied_bias = "vocab_projector.bias"};
      default:
        no_head(kind);
    }
  }

 private:
  const Config c_;
  const Json json_;
  const Facts facts_{.model_type = "distilbert",
                     .layers = c_.layers,
                     .hidden = c_.hidden,
                     .heads = c_.heads,
                     .kv_heads = c_.heads,
                     .ffn = c_.ffn,
                     .embedding = c_.hidden,
                     .vocab = c_.vocab,
                     .types = 0,
                     .longest = c_.positions,
                     .init_std = c_.init_std};
  engine::Module base_{*this, "distilbert"};
  TokenEmbeddings embeddings_{
      base_, "embeddings", {c_.vocab, c_.positions, 0, c_.hidden, 0, kEps, c_.dropout}};
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace

Family distilbert_family() {
  return {.types = {"distilbert"},
          .make = read_model<DistilBert, Config>,
          .random =
              [](const RandomSpec& s) {
                return Json{{"model_type", s.type},
                            {"vocab_size", s.vocab},
                            {"max_position_embeddings", s.positions},
                            {"initializer_range", s.std},
                            {"dim", s.hidden},
                            {"n_layers", s.layers},
                            {"n_heads", s.heads},
                            {"hidden_dim", s.ffn},
                            {"activation", "gelu"},
                            {"dropout", s.dropout},
                            {"attention_dropout", s.dropout},
                            {"seq_classif_dropout", s.dropout}};
              },
          .dropouts = {"dropout", "attention_dropout", "seq_classif_dropout"}};
}

}  // namespace models
