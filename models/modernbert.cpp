// ModernBERT (Warner et al. 2024): pre-LN layers without biases, rotary positions, a gated
// feed-forward, and attention that is local in most layers, with a rotary base of its own there.
//
//   n = LN(x) (the first layer: n = x);  q, k, v = n Wqkv^T;
//   x += attention(rotary(q), rotary(k), v) Wo^T
//   m = LN(x);  u, w = halves of m Wi^T;  x += (gelu(u) * w) Wo^T
//
// Sequences are packed without padding everywhere.
#include <memory>
#include <span>

#include "engine/base/counters.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/gated.h"
#include "engine/ops/rotary.h"
#include "models/blocks.h"
#include "models/config_reader.h"
#include "models/registry.h"
#include "models/rope.h"

namespace models {
namespace {

using engine::Graph;
using engine::Json;
using engine::LayerNorm;
using engine::Linear;
using engine::Role;
using engine::Tensor;

struct ModernBertConfig {
  int layers, heads;
  int64_t hidden, ffn, vocab, positions, window;
  engine::Activation act, head_act;
  double eps, embedding_dropout, attention_dropout, ffn_dropout, classifier_dropout, init_std;
  bool norm_bias, attention_bias, ffn_bias, decoder_bias, head_bias, tied;
  Pooling pooling;
  std::vector<bool> local;  // of each layer
  Rope near, far;           // of local layers, of the others

  explicit ModernBertConfig(ConfigReader& in);
  int64_t width() const { return hidden / heads; }
};

// transformers 5: "rope_parameters" by kind of layer; 4: a base of each kind.
Rope read_base(ConfigReader& in, const char* kind, const Json& old_theta, double fallback,
               int64_t width, int64_t positions) {
  Json json = {{"model_type", "modernbert"}};
  const Json all = in.raw("rope_parameters");
  engine::check(all.is_null() || all.is_object(), in.where(), "rope_parameters is ",
                engine::json_found(all));
  if (all.is_object() && all.contains(kind)) json["rope_parameters"] = all[kind];
  if (!old_theta.is_null()) json["rope_theta"] = old_theta;
  ConfigReader one(json, in.where() + kind + ": ");
  return read_rope(one, width, positions, fallback);
}

ModernBertConfig::ModernBertConfig(ConfigReader& in)
    : layers(static_cast<int>(in.size_or("num_hidden_layers", 22))),
      heads(static_cast<int>(in.size_or("num_attention_heads", 12))),
      hidden(in.size_or("hidden_size", 768)),
      ffn(in.size_or("intermediate_size", 1152)),
      vocab(in.size("vocab_size")),
      positions(in.size_or("max_position_embeddings", 8192)),
      window(in.size_or("local_attention", 128)),
      act(in.activation("hidden_activation", "gelu")),
      head_act(in.activation("classifier_activation", "gelu")),
      eps(in.epsilon("norm_eps", 1e-5)),
      embedding_dropout(in.dropout("embedding_dropout", 0)),
      attention_dropout(in.dropout("attention_dropout", 0)),
      ffn_dropout(in.dropout("mlp_dropout", 0)),
      classifier_dropout(in.dropout("classifier_dropout", 0)),
      init_std(in.get_or<double>("initializer_range", 0.02)),
      norm_bias(in.get_or<bool>("norm_bias", false)),
      attention_bias(in.get_or<bool>("attention_bias", false)),
      ffn_bias(in.get_or<bool>("mlp_bias", false)),
      decoder_bias(in.get_or<bool>("decoder_bias", true)),
      head_bias(in.get_or<bool>("classifier_bias", false)),
      tied(in.get_or<bool>("tie_word_embeddings", true)) {
  engine::check(hidden % heads == 0, in.where(), "hidden_size ", hidden,
                " does not divide into num_attention_heads ", heads);
  const auto pool = in.get_or<std::string>("classifier_pooling", "cls");
  engine::check(pool == "cls" || pool == "mean", in.where(), "classifier_pooling '", pool,
                "' is not supported", engine::hint("cls and mean are"));
  pooling = pool == "mean" ? Pooling::mean : Pooling::token;

  const Json types = in.raw("layer_types"), every = in.raw("global_attn_every_n_layers");
  engine::check(types.is_null() || types.size() == static_cast<size_t>(layers), in.where(),
                "layer_types has ", types.size(), " entries for ", layers, " layers");
  engine::check(every.is_null() || (every.is_number_integer() && every.get<int64_t>() > 0),
                in.where(), "global_attn_every_n_layers is ", every.dump());
  const int64_t step = every.is_null() ? 3 : every.get<int64_t>();
  for (int i = 0; i < layers; ++i) {
    local.push_back(types.is_null() ? i % step != 0
                                    : types[static_cast<size_t>(i)] == "sliding_attention");
    engine::check(
        local.back() || types.is_null() || types[static_cast<size_t>(i)] == "full_attention",
        in.where(), "layer_types has ", types.is_null() ? "" : types.dump(),
        engine::hint("known are full_attention and sliding_attention"));
  }
  const Json far_theta = in.raw("global_rope_theta"), near_theta = in.raw("local_rope_theta");
  far = read_base(in, "full_attention", far_theta, 160000, width(), positions);
  near = read_base(in, "sliding_attention", near_theta, 10000, width(), positions);
  in.only("position_embedding_type", "absolute");  // what its published config.json says; not read
  // How transformers computes or draws, and what no layer reads.
  in.harmless({"deterministic_flash_attn", "reference_compile", "repad_logits_with_grad",
               "sparse_prediction", "sparse_pred_ignore_index", "initializer_cutoff_factor",
               "layer_norm_eps"});
}

// The angles of a step: of all tokens, and of those that the last layer asks for.
struct ModernAngles {
  Tensor all, asked;
};

struct ModernBertLayer : engine::Module {
  ModernBertLayer(engine::Module& parent, std::string name, const ModernBertConfig& config,
                  int number)
      : Module(parent, std::move(name)), c(config), layer(number) {
    if (layer > 0)
      attention_norm = std::make_unique<LayerNorm>(*this, "attn_norm", c.hidden, c.eps,
                                                   Role::attention_norm, layer, c.norm_bias);
  }

  const ModernBertConfig& c;
  const int layer;
  std::unique_ptr<LayerNorm> attention_norm;  // none in the first layer
  Linear fused{*this,    "attn.Wqkv",
               c.hidden, {{Role::query, c.hidden}, {Role::key, c.hidden}, {Role::value, c.hidden}},
               layer,    c.attention_bias};
  Linear output{*this, "attn.Wo",       c.hidden, c.hidden, Role::attention_output,
                layer, c.attention_bias};
  engine::HookPoint after_attention{*this, "attn", c.hidden, engine::Point::after_attention, layer};
  LayerNorm ffn_norm{*this, "mlp_norm", c.hidden, c.eps, Role::ffn_norm, layer, c.norm_bias};
  Linear gate_and_in{*this, "mlp.Wi",  c.hidden, {{Role::ffn_gate, c.ffn}, {Role::ffn_in, c.ffn}},
                     layer, c.ffn_bias};
  Linear ffn_out{*this, "mlp.Wo", c.ffn, c.hidden, Role::ffn_out, layer, c.ffn_bias};
  engine::HookPoint after_ffn{*this, "mlp", c.hidden, engine::Point::after_ffn, layer};
  engine::KvPoint front{*this, c.hidden, layer};

  Tensor operator()(Graph& g, const Tensor& x, const Rows& rows, const ModernAngles& angles) {
    const engine::KeyValue prefix = front(g);
    const Tensor at = rows.select(g, x);
    Tensor h;
    {
      const Tensor qkv = fused(g, attention_norm ? (*attention_norm)(g, x) : x);
      Tensor q = engine::select_columns(g, rows.select(g, qkv), 0, c.hidden),
             k = engine::select_columns(g, qkv, c.hidden, c.hidden);
      const Tensor v = engine::select_columns(g, qkv, 2 * c.hidden, c.hidden);
      q = engine::rotary(g, std::move(q), rows.only ? angles.asked : angles.all, c.width());
      k = engine::rotary(g, std::move(k), angles.all, c.width());
      h = output(g, attend(g, q, k, v, rows,
                           {.heads = c.heads,
                            .dropout = c.attention_dropout,
                            .window = c.local[static_cast<size_t>(layer)] ? c.window / 2 + 1 : 0},
                           prefix));
    }
    const Tensor middle = add_residual(g, after_attention, std::move(h), at, c.attention_dropout);
    h = engine::gated(g, gate_and_in(g, ffn_norm(g, middle)), c.act);
    h = ffn_out(g, engine::dropout(g, std::move(h), c.ffn_dropout));
    return add_residual(g, after_ffn, std::move(h), middle);
  }
};

class ModernBertModel : public Model {
 public:
  ModernBertModel(ModernBertConfig given, Json json)
      : c_(std::move(given)),
        json_(std::move(json)),
        base_(*this, "model"),
        words_(base_, "embeddings.tok_embeddings", c_.vocab, c_.hidden),
        embedding_norm_(base_, "embeddings.norm", c_.hidden, c_.eps, Role::embedding_norm, -1,
                        c_.norm_bias) {
    facts_ = {.model_type = "modernbert",
              .layers = c_.layers,
              .hidden = c_.hidden,
              .heads = c_.heads,
              .kv_heads = c_.heads,
              .ffn = c_.ffn,
              .embedding = c_.hidden,
              .vocab = c_.vocab,
              .longest = c_.positions,
              .init_std = c_.init_std};
    for (int i = 0; i < c_.layers; ++i)
      layers_.push_back(
          std::make_unique<ModernBertLayer>(base_, "layers." + std::to_string(i), c_, i));
    norm_ = std::make_unique<LayerNorm>(base_, "final_norm", c_.hidden, c_.eps, Role::final_norm,
                                        c_.layers, c_.norm_bias);
    engine::set_init_std(*this, c_.init_std);
  }

  const Facts& facts() const override { return facts_; }
  engine::Embedding& words() override { return words_; }
  Json to_json() const override { return json_; }

  HeadNames names(HeadKind kind) const override {
    HeadNames head{.architecture = "ModernBertForSequenceClassification",
                   .dense = "head.dense",
                   .dense_role = Role::pooler,
                   .act = c_.head_act,
                   .dense_bias = c_.head_bias,
                   .drop_first = false,
                   .norm = "head.norm",
                   .norm_eps = c_.eps,
                   .norm_bias = c_.norm_bias,
                   .pooling = c_.pooling,
                   .out = "classifier",
                   .dropout = c_.classifier_dropout};
    switch (kind) {
      case HeadKind::classification:
        return head;
      case HeadKind::token_classification:
        head.architecture = "ModernBertForTokenClassification";
        return head;
      case HeadKind::masked_lm:
        head.architecture = "ModernBertForMaskedLM";
        head.dense_role = Role::lm_head;
        head.out = "decoder";
        head.out_bias = c_.decoder_bias;
        head.tied = c_.tied;
        if (c_.decoder_bias) head.tied_bias = "decoder.bias";
        return head;
      default:
        no_head(kind);
    }
  }

 protected:
  Tensor forward(Graph& g, const engine::Batch& batch, const Ask& ask) override {
    engine::counters().tokens += batch.tokens();
    const auto places = position_ids(g, batch.segments, facts_.longest);
    const std::span<int32_t> asked = g.take<int32_t>(ask.rows ? ask.rows->count() : 0);
    for (size_t i = 0; i < asked.size(); ++i)
      asked[i] = places[static_cast<size_t>(ask.rows->rows[i])];
    const auto angles = [&](const Rope& rope) {
      const auto table = [&](std::span<const int32_t> at) {
        return engine::rotary_table(g, at, rope.inverse_frequencies, rope.scale);
      };
      return ModernAngles{table(places), ask.rows ? table(asked) : Tensor()};
    };
    const ModernAngles near = angles(c_.near), far = angles(c_.far);
    Tensor x = engine::look_up(g, {{words_, batch.ids.data()}}, batch.tokens());
    x = engine::dropout(g, embedding_norm_(g, x), c_.embedding_dropout);
    for (const auto& layer : layers_)
      x = (*layer)(g, x, {batch.segments, layer == layers_.back() ? ask.rows : nullptr},
                   c_.local[static_cast<size_t>(layer->layer)] ? near : far);
    return (*norm_)(g, x);
  }

 private:
  ModernBertConfig c_;
  Json json_;
  Facts facts_;
  engine::Module base_;
  engine::Embedding words_;
  LayerNorm embedding_norm_;
  std::vector<std::unique_ptr<ModernBertLayer>> layers_;
  std::unique_ptr<LayerNorm> norm_;
};

}  // namespace

Family modernbert_family() {
  return {
      .types = {"modernbert"},
      .make = read_model<ModernBertModel, ModernBertConfig>,
      .random = [](const RandomSpec& s) -> Json {
        Json json = usual_sizes(s);
        json.update({{"hidden_activation", "gelu"},
                     {"embedding_dropout", s.dropout},
                     {"attention_dropout", s.dropout},
                     {"mlp_dropout", s.dropout},
                     {"classifier_dropout", s.dropout},
                     {"local_attention", 128},
                     {"norm_eps", 1e-5}});
        return json;
      },
      .dropouts = {"embedding_dropout", "attention_dropout", "mlp_dropout", "classifier_dropout"}};
}

}  // namespace models
