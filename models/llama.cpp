// LLaMA (Touvron et al. 2023) and its family: pre-LN layers with RMSNorm, rotary positions, fewer
// key heads than query heads, and a gated feed-forward.
//
//   n = norm(x);  q, k = rotary(n Wq^T), rotary(n Wk^T);  x += attention(q, k, n Wv^T) Wo^T
//   m = norm(x);  x += (silu(m Wgate^T) * (m Wup^T)) Wdown^T
//
//   llama    biases as the config says; TinyLlama, SmolLM2
//   mistral  keys within a sliding window
//   qwen2    biases on q, k and v; windows in some layers
//   qwen3    RMSNorm of every head of q and k
#include <memory>

#include "engine/base/counters.h"
#include "engine/nn/rms_norm.h"
#include "engine/ops/gated.h"
#include "engine/ops/rotary.h"
#include "models/blocks.h"
#include "models/causal.h"
#include "models/config_reader.h"
#include "models/registry.h"
#include "models/rope.h"

namespace models {
namespace {

using engine::Graph;
using engine::Json;
using engine::Linear;
using engine::Role;
using engine::Tensor;

struct LlamaConfig {
  std::string model_type;
  int layers, heads, key_heads;
  int64_t hidden, ffn, vocab, positions, width;  // width: of a head
  engine::Activation act;
  double eps, attention_dropout, head_dropout, init_std;
  bool query_bias, output_bias, ffn_bias, head_norms, tied;
  std::vector<int64_t> windows;  // of each layer; 0: none
  Rope rope;

  explicit LlamaConfig(ConfigReader& in);
  int64_t query_width() const { return heads * width; }
  int64_t key_width() const { return key_heads * width; }
};

// Each layer's window: of all layers, or of those that "layer_types" names.
std::vector<int64_t> read_windows(ConfigReader& in, const std::string& type, int layers) {
  std::vector<int64_t> windows(static_cast<size_t>(layers), 0);
  if (type == "llama") return windows;
  const bool by_layer = type != "mistral";
  const Json window = in.raw("sliding_window");
  const bool used = by_layer ? in.get_or<bool>("use_sliding_window", false) : !window.is_null();
  const int64_t first = by_layer ? in.count_or("max_window_layers", 28) : 0;
  const Json types = in.raw("layer_types");
  if (!used) {
    for (const Json& each : types)
      engine::check(each == "full_attention", in.where(), "layer_types has ", each.dump(),
                    " without use_sliding_window");
    return windows;
  }
  engine::check(window.is_number_integer() && window.get<int64_t>() > 0, in.where(),
                "sliding_window is ", window.dump(), "; it must be a positive number");
  engine::check(types.is_null() || types.size() == windows.size(), in.where(), "layer_types has ",
                types.size(), " entries for ", layers, " layers");
  for (size_t i = 0; i < windows.size(); ++i) {
    const bool sliding =
        types.is_null() ? static_cast<int64_t>(i) >= first : types[i] == "sliding_attention";
    engine::check(sliding || types.is_null() || types[i] == "full_attention", in.where(),
                  "layer_types has ", types.is_null() ? "" : types[i].dump(),
                  engine::hint("known are full_attention and sliding_attention"));
    if (sliding) windows[i] = window.get<int64_t>();
  }
  return windows;
}

LlamaConfig::LlamaConfig(ConfigReader& in)
    : model_type(in.get<std::string>("model_type")),
      layers(static_cast<int>(in.size("num_hidden_layers"))),
      heads(static_cast<int>(in.size("num_attention_heads"))),
      key_heads(static_cast<int>(in.size_or("num_key_value_heads", heads))),
      hidden(in.size("hidden_size")),
      ffn(in.size("intermediate_size")),
      vocab(in.size("vocab_size")),
      positions(in.size_or("max_position_embeddings", 2048)),
      width(in.size_or("head_dim",
                       model_type == "qwen3" ? 128 : std::max<int64_t>(1, hidden / heads))),
      act(in.activation("hidden_act", "silu")),
      eps(in.epsilon("rms_norm_eps", 1e-6)),
      attention_dropout(in.dropout("attention_dropout", 0)),
      head_dropout(token_head_dropout(in)),
      init_std(in.get_or<double>("initializer_range", 0.02)),
      head_norms(model_type == "qwen3"),
      tied(in.get_or<bool>("tie_word_embeddings", false)) {
  const bool qwen2 = model_type == "qwen2", mistral = model_type == "mistral";
  // Qwen2's and Mistral's are part of the family, not of the config.
  query_bias = qwen2 || (!mistral && in.get_or<bool>("attention_bias", false));
  output_bias = !qwen2 && query_bias;
  ffn_bias = model_type == "llama" && in.get_or<bool>("mlp_bias", false);
  engine::check(heads % key_heads == 0, in.where(), "num_attention_heads ", heads,
                " is not a multiple of num_key_value_heads ", key_heads);
  engine::check(in.raw("head_dim").is_number() || model_type == "qwen3" || hidden % heads == 0,
                in.where(), "hidden_size ", hidden, " does not divide into num_attention_heads ",
                heads);
  windows = read_windows(in, model_type, layers);
  rope = read_rope(in, width, positions);
  in.only("rope_interleaved", false);
  in.only("pretraining_tp", 1);
  in.harmless({"_model_name_or_path", "is_llama_config", "transformers.js_config"});
}

// The angles of a step: of all tokens, and of those that a last layer asks for.
struct Angles {
  Tensor all, asked;
};

struct LlamaLayer : engine::Module {
  LlamaLayer(engine::Module& parent, std::string name, const LlamaConfig& config, int number)
      : Module(parent, std::move(name)), c(config), layer(number) {
    if (!c.head_norms) return;
    query_norm = std::make_unique<engine::RmsNorm>(*this, "self_attn.q_norm", c.width, c.eps,
                                                   Role::attention_norm, layer);
    key_norm = std::make_unique<engine::RmsNorm>(*this, "self_attn.k_norm", c.width, c.eps,
                                                 Role::attention_norm, layer);
  }

  const LlamaConfig& c;
  const int layer;
  engine::RmsNorm attention_norm{*this, "input_layernorm",    c.hidden,
                                 c.eps, Role::attention_norm, layer};
  Linear query{*this, "self_attn.q_proj", c.hidden, c.query_width(), Role::query,
               layer, c.query_bias};
  Linear key{*this, "self_attn.k_proj", c.hidden, c.key_width(), Role::key, layer, c.query_bias};
  Linear value{*this, "self_attn.v_proj", c.hidden, c.key_width(), Role::value,
               layer, c.query_bias};
  std::unique_ptr<engine::RmsNorm> query_norm, key_norm;  // Qwen3
  Linear output{*this, "self_attn.o_proj", c.query_width(), c.hidden, Role::attention_output,
                layer, c.output_bias};
  engine::HookPoint after_attention{*this, "self_attn", c.hidden, engine::Point::after_attention,
                                    layer};
  engine::RmsNorm ffn_norm{*this, "post_attention_layernorm", c.hidden, c.eps, Role::ffn_norm,
                           layer};
  Linear gate{*this, "mlp.gate_proj", c.hidden, c.ffn, Role::ffn_gate, layer, c.ffn_bias};
  Linear up{*this, "mlp.up_proj", c.hidden, c.ffn, Role::ffn_in, layer, c.ffn_bias};
  Linear down{*this, "mlp.down_proj", c.ffn, c.hidden, Role::ffn_out, layer, c.ffn_bias};
  engine::HookPoint after_ffn{*this, "mlp", c.hidden, engine::Point::after_ffn, layer};
  engine::KvPoint front{*this, c.key_width(), layer};

  Tensor operator()(Graph& g, const Tensor& x, const Rows& rows, const Angles& angles) {
    const engine::KeyValue prefix = rows.prefix(g, front);
    const Tensor at = rows.select(g, x);
    Tensor h;
    {
      const Tensor n = attention_norm(g, x), asked = rows.select(g, n);
      Tensor q = query(g, asked), k = key(g, n);
      const Tensor v = value(g, n);
      if (query_norm) q = (*query_norm)(g, q), k = (*key_norm)(g, k);
      q = rotary(g, std::move(q), rows.only ? angles.asked : angles.all, c.width);
      k = rotary(g, std::move(k), angles.all, c.width);
      h = output(g, attend(g, q, k, v, rows,
                           {.heads = c.heads,
                            .causal = true,
                            .dropout = c.attention_dropout,
                            .key_heads = c.key_heads,
                            .window = c.windows[static_cast<size_t>(layer)]},
                           prefix));
    }
    const Tensor middle = add_residual(g, after_attention, std::move(h), at);
    const Tensor m = ffn_norm(g, middle);
    h = down(g, gated(g, gate(g, m), up(g, m), c.act));
    return add_residual(g, after_ffn, std::move(h), middle);
  }
};

class LlamaModel : public Model {
 public:
  LlamaModel(LlamaConfig given, Json json)
      : c_(std::move(given)),
        json_(std::move(json)),
        base_(*this, "model"),
        words_(base_, "embed_tokens", c_.vocab, c_.hidden) {
    facts_ = {.model_type = c_.model_type,
              .layers = c_.layers,
              .hidden = c_.hidden,
              .heads = c_.heads,
              .kv_heads = c_.key_heads,
              .ffn = c_.ffn,
              .embedding = c_.hidden,
              .vocab = c_.vocab,
              .longest = c_.positions,
              .init_std = c_.init_std,
              .causal = true};
    for (int i = 0; i < c_.layers; ++i)
      layers_.push_back(std::make_unique<LlamaLayer>(base_, "layers." + std::to_string(i), c_, i));
    norm_ = std::make_unique<engine::RmsNorm>(base_, "norm", c_.hidden, c_.eps, Role::final_norm,
                                              c_.layers);
    engine::set_init_std(*this, c_.init_std);
  }

  const Facts& facts() const override { return facts_; }
  engine::Embedding& words() override { return words_; }
  Json to_json() const override { return json_; }

  Tensor forward(Graph& g, const engine::Batch& batch, const Ask& ask) override {
    engine::counters().tokens += batch.tokens();
    const CausalStep step(g, batch, ask, layers_.front()->front, facts_.longest);
    Tensor x = engine::look_up(g, {{words_, batch.ids.data()}}, batch.tokens());
    const auto table = [&](std::span<const int32_t> positions) {
      return rotary_table(g, positions, c_.rope.inverse_frequencies, c_.rope.scale);
    };
    Angles angles{table(step.positions()), {}};
    if (ask.rows) angles.asked = table(step.asked_positions());
    for (const auto& layer : layers_)
      x = (*layer)(g, x, step.rows(layer->layer, layer == layers_.back()), angles);
    step.finish();
    return (*norm_)(g, x);
  }

  HeadNames names(HeadKind kind) const override {
    const std::string prefix = c_.model_type == "llama"     ? "Llama"
                               : c_.model_type == "mistral" ? "Mistral"
                               : c_.model_type == "qwen2"   ? "Qwen2"
                                                            : "Qwen3";
    switch (kind) {
      case HeadKind::classification:
        return {.architecture = prefix + "ForSequenceClassification",
                .out = "score",
                .out_bias = false};
      case HeadKind::token_classification:
        return {.architecture = prefix + "ForTokenClassification",
                .out = "score",
                .dropout = c_.head_dropout};
      case HeadKind::language_model:
        return {.architecture = prefix + "ForCausalLM",
                .out = "lm_head",
                .out_bias = false,
                .tied = c_.tied};
      default:
        no_head(kind);
    }
  }

 private:
  LlamaConfig c_;
  Json json_;
  Facts facts_;
  engine::Module base_;
  engine::Embedding words_;
  std::vector<std::unique_ptr<LlamaLayer>> layers_;
  std::unique_ptr<engine::RmsNorm> norm_;
};

}  // namespace

Family llama_family() {
  return {.types = {"llama", "mistral", "qwen2", "qwen3"},
          .make = read_model<LlamaModel, LlamaConfig>,
          .random = [](const RandomSpec& s) -> Json {
            Json json = usual_sizes(s);
            json.update({{"num_key_value_heads", s.kv_heads},
                         {"head_dim", s.hidden / s.heads},
                         {"hidden_act", "silu"},
                         {"attention_dropout", s.dropout},
                         {"rms_norm_eps", 1e-6},
                         {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 10000.0}}},
                         {"tie_word_embeddings", true}});
            return json;
          },
          .dropouts = {"attention_dropout", "classifier_dropout"}};
}

}  // namespace models
