// GPT-2 (Radford et al. 2019): pre-LN layers with learned positions, one fused projection for
// queries, keys and values, and gelu's tanh form. Its weights are Conv1D's, (in, out) in the file.
//
//   n = LN(x);  q, k, v = n Wc_attn + b;  x += drop(attention(q, k, v) Wc_proj + b)
//   m = LN(x);  x += drop(act(m Wc_fc + b) Wc_proj + b)
#include <cmath>
#include <memory>

#include "engine/base/counters.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "models/blocks.h"
#include "models/causal.h"
#include "models/config_reader.h"
#include "models/registry.h"

namespace models {
namespace {

using engine::Graph;
using engine::Json;
using engine::Linear;
using engine::Role;
using engine::Tensor;

struct Gpt2Config {
  int layers, heads;
  int64_t hidden, ffn, vocab, positions;
  engine::Activation act;
  double eps, embedding_dropout, attention_dropout, residual_dropout, head_dropout, init_std;
  bool scaled, scaled_by_layer, tied;

  explicit Gpt2Config(ConfigReader& in)
      : layers(static_cast<int>(in.size_or("n_layer", 12))),
        heads(static_cast<int>(in.size_or("n_head", 12))),
        hidden(in.size_or("n_embd", 768)),
        ffn(in.size_or("n_inner", 4 * hidden)),
        vocab(in.size("vocab_size")),
        positions(in.size_or("n_positions", 1024)),
        act(in.activation("activation_function", "gelu_new")),
        eps(in.epsilon("layer_norm_epsilon", 1e-5)),
        embedding_dropout(in.dropout("embd_pdrop", 0.1)),
        attention_dropout(in.dropout("attn_pdrop", 0.1)),
        residual_dropout(in.dropout("resid_pdrop", 0.1)),
        head_dropout(token_head_dropout(in)),
        init_std(in.get_or<double>("initializer_range", 0.02)),
        scaled(in.get_or<bool>("scale_attn_weights", true)),
        scaled_by_layer(in.get_or<bool>("scale_attn_by_inverse_layer_idx", false)),
        tied(in.get_or<bool>("tie_word_embeddings", true)) {
    engine::check(hidden % heads == 0, in.where(), "n_embd ", hidden,
                  " does not divide into n_head ", heads);
    // The first is about 16-bit arithmetic; n_ctx is n_positions again; the rest is another head's.
    in.harmless({"reorder_and_upcast_attn", "n_ctx", "summary_activation", "summary_first_dropout",
                 "summary_proj_to_labels", "summary_type", "summary_use_proj"});
  }
  double scale(int layer) const {
    const double width = scaled ? std::sqrt(static_cast<double>(hidden / heads)) : 1;
    return 1 / (scaled_by_layer ? width * (layer + 1) : width);
  }
};

struct Gpt2Layer : engine::Module {
  Gpt2Layer(engine::Module& parent, std::string name, const Gpt2Config& config, int number)
      : Module(parent, std::move(name)), c(config), layer(number) {
    for (Linear* linear : {&fused, &output, &ffn_in, &ffn_out})
      linear->weight.transposed_in_file = true;
    // As GPT-2 begins: the more layers add to the residual, the less each.
    output.weight.init_std = ffn_out.weight.init_std = c.init_std / std::sqrt(2.0 * c.layers);
  }

  const Gpt2Config& c;
  const int layer;
  engine::LayerNorm attention_norm{*this, "ln_1", c.hidden, c.eps, Role::attention_norm, layer};
  Linear fused{*this,
               "attn.c_attn",
               c.hidden,
               {{Role::query, c.hidden}, {Role::key, c.hidden}, {Role::value, c.hidden}},
               layer};
  Linear output{*this, "attn.c_proj", c.hidden, c.hidden, Role::attention_output, layer};
  engine::HookPoint after_attention{*this, "attn", c.hidden, engine::Point::after_attention, layer};
  engine::LayerNorm ffn_norm{*this, "ln_2", c.hidden, c.eps, Role::ffn_norm, layer};
  Linear ffn_in{*this, "mlp.c_fc", c.hidden, c.ffn, Role::ffn_in, layer};
  Linear ffn_out{*this, "mlp.c_proj", c.ffn, c.hidden, Role::ffn_out, layer};
  engine::HookPoint after_ffn{*this, "mlp", c.hidden, engine::Point::after_ffn, layer};
  engine::KvPoint front{*this, c.hidden, layer};

  Tensor operator()(Graph& g, const Tensor& x, const Rows& rows) {
    const engine::KeyValue prefix = rows.prefix(g, front);
    const Tensor at = rows.select(g, x);
    Tensor h;
    {
      const Tensor qkv = fused(g, attention_norm(g, x));
      const Tensor q = engine::select_columns(g, rows.select(g, qkv), 0, c.hidden),
                   k = engine::select_columns(g, qkv, c.hidden, c.hidden),
                   v = engine::select_columns(g, qkv, 2 * c.hidden, c.hidden);
      h = output(g, attend(g, q, k, v, rows,
                           {.heads = c.heads,
                            .causal = true,
                            .dropout = c.attention_dropout,
                            .scale = c.scale(layer)},
                           prefix));
    }
    const Tensor middle = add_residual(g, after_attention, std::move(h), at, c.residual_dropout);
    h = ffn_out(g, ffn_in(g, ffn_norm(g, middle), c.act));
    return add_residual(g, after_ffn, std::move(h), middle, c.residual_dropout);
  }
};

class Gpt2Model : public Model {
 public:
  Gpt2Model(Gpt2Config given, Json json)
      : c_(given),
        json_(std::move(json)),
        base_(*this, "transformer"),
        words_(base_, "wte", c_.vocab, c_.hidden),
        positions_(base_, "wpe", c_.positions, c_.hidden) {
    facts_ = {.model_type = "gpt2",
              .layers = c_.layers,
              .hidden = c_.hidden,
              .heads = c_.heads,
              .kv_heads = c_.heads,
              .ffn = c_.ffn,
              .embedding = c_.hidden,
              .vocab = c_.vocab,
              .longest = c_.positions,
              .init_std = c_.init_std,
              .causal = true};
    engine::set_init_std(*this, c_.init_std);
    for (int i = 0; i < c_.layers; ++i) {
      layers_.push_back(std::make_unique<Gpt2Layer>(base_, "h." + std::to_string(i), c_, i));
      layers_.back()->fused.weight.init_std = layers_.back()->ffn_in.weight.init_std = c_.init_std;
    }
    norm_ = std::make_unique<engine::LayerNorm>(base_, "ln_f", c_.hidden, c_.eps, Role::final_norm,
                                                c_.layers);
  }

  const Facts& facts() const override { return facts_; }
  engine::Embedding& words() override { return words_; }
  Json to_json() const override { return json_; }

  Tensor forward(Graph& g, const engine::Batch& batch, const Ask& ask) override {
    engine::counters().tokens += batch.tokens();
    const CausalStep step(g, batch, ask, layers_.front()->front, facts_.longest);
    Tensor x = engine::look_up(
        g, {{words_, batch.ids.data()}, {positions_, step.positions().data()}}, batch.tokens());
    x = engine::dropout(g, std::move(x), c_.embedding_dropout);
    for (const auto& layer : layers_)
      x = (*layer)(g, x, step.rows(layer->layer, layer == layers_.back()));
    step.finish();
    return (*norm_)(g, x);
  }

  HeadNames names(HeadKind kind) const override {
    switch (kind) {
      case HeadKind::classification:
        return {.architecture = "GPT2ForSequenceClassification", .out = "score", .out_bias = false};
      case HeadKind::token_classification:
        return {.architecture = "GPT2ForTokenClassification",
                .out = "classifier",
                .dropout = c_.head_dropout};
      case HeadKind::language_model:
        return {.architecture = "GPT2LMHeadModel",
                .out = "lm_head",
                .out_bias = false,
                .tied = c_.tied};
      default:
        no_head(kind);
    }
  }

 private:
  Gpt2Config c_;
  Json json_;
  Facts facts_;
  engine::Module base_;
  engine::Embedding words_, positions_;
  std::vector<std::unique_ptr<Gpt2Layer>> layers_;
  std::unique_ptr<engine::LayerNorm> norm_;
};

}  // namespace

Family gpt2_family() {
  return {.types = {"gpt2"},
          .make = read_model<Gpt2Model, Gpt2Config>,
          .random = [](const RandomSpec& s) -> Json {
            return {{"model_type", s.type},
                    {"vocab_size", s.vocab},
                    {"n_positions", s.positions},
                    {"initializer_range", s.std},
                    {"n_embd", s.hidden},
                    {"n_layer", s.layers},
                    {"n_head", s.heads},
                    {"n_inner", s.ffn},
                    {"activation_function", "gelu_new"},
                    {"attn_pdrop", s.dropout},
                    {"embd_pdrop", s.dropout},
                    {"resid_pdrop", s.dropout},
                    {"layer_norm_epsilon", 1e-5},
                    {"tie_word_embeddings", true}};
          },
          .dropouts = {"attn_pdrop", "embd_pdrop", "resid_pdrop", "classifier_dropout"}};
}

}  // namespace models
