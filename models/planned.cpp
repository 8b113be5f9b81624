#include "models/planned.h"

#include "engine/nn/layer_norm.h"
#include "engine/ops/attention.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/gated.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "engine/ops/rms_norm.h"
#include "engine/ops/rotary.h"

namespace models {
namespace {

using engine::get;
using engine::get_or;
using engine::Graph;
using engine::Linear;
using engine::Role;
using engine::Tensor;

struct Weight : engine::Module {
  Weight(engine::Module& parent, std::string name, std::vector<int64_t> dims, Role role, int layer)
      : Module(parent, std::move(name)) {
    declare(weight, "weight", std::move(dims), role, layer);
  }
  engine::Parameter weight;
};

struct RmsNorm : engine::Norm {
  RmsNorm(engine::Module& parent, std::string name, int64_t width, double eps, Role role, int layer)
      : Norm(parent, std::move(name)), eps_(static_cast<engine::Scalar>(eps)) {
    declare(weight, "weight", {width}, role, layer);
    weight.norm = true;
  }
  Tensor operator()(Graph& g, const Tensor& x) override {
    return engine::rms_norm(g, x, g.use(weight), eps_);
  }
  engine::Parameter weight;

 private:
  engine::Scalar eps_;
};

// Touvron et al. 2023: RMSNorm, rotary positions (no table), SwiGLU (two layers in, one out), no
// biases.
struct LlamaLayer : engine::Module {
  LlamaLayer(engine::Module& parent, std::string name, int64_t h, int64_t kv, int64_t ffn,
             double eps, int layer)
      : Module(parent, std::move(name)),
        query(*this, "self_attn.q_proj", h, h, Role::query, layer, false),
        key(*this, "self_attn.k_proj", h, kv, Role::key, layer, false),
        value(*this, "self_attn.v_proj", h, kv, Role::value, layer, false),
        output(*this, "self_attn.o_proj", h, h, Role::attention_output, layer, false),
        gate(*this, "mlp.gate_proj", h, ffn, Role::ffn_in, layer, false),
        up(*this, "mlp.up_proj", h, ffn, Role::ffn_in, layer, false),
        down(*this, "mlp.down_proj", ffn, h, Role::ffn_out, layer, false),
        input_norm(*this, "input_layernorm", h, eps, Role::attention_norm, layer),
        post_norm(*this, "post_attention_layernorm", h, eps, Role::ffn_norm, layer),
        after_attention(*this, "self_attn", h, engine::Point::after_attention, layer),
        after_ffn(*this, "mlp", h, engine::Point::after_ffn, layer),
        front(*this, kv, layer) {}

  Tensor operator()(Graph& g, const Tensor& x, const engine::Segments& segments,
                    const Tensor& angles, const engine::AttentionOptions& options) {
    const engine::KeyValue prefix = front(g);
    Tensor h;
    {
      const int64_t width = query.out() / options.heads;
      const Tensor n = input_norm(g, x);
      const Tensor q = engine::rotary(g, query(g, n), angles, width),
                   k = engine::rotary(g, key(g, n), angles, width), v = value(g, n);
      h = output(g, engine::attention(g, q, k, v, segments, options, prefix.key, prefix.value));
    }
    const Tensor middle = engine::add(g, after_attention(g, x, std::move(h)), x);
    {
      const Tensor n = post_norm(g, middle);
      h = down(g, engine::gated(g, gate(g, n), up(g, n), engine::Activation::silu));
    }
    return engine::add(g, after_ffn(g, middle, std::move(h)), middle);
  }

  Linear query, key, value, output, gate, up, down;
  RmsNorm input_norm, post_norm;
  engine::HookPoint after_attention, after_ffn;
  engine::KvPoint front;
};

class Llama : public PlannedModel {
 public:
  Llama(const engine::Json& json, const std::string& where)
      : type_(get<std::string>(json, "model_type", where)),
        hidden_(get<int64_t>(json, "hidden_size", where)),
        heads_(get<int>(json, "num_attention_heads", where)),
        kv_heads_(get_or<int>(json, "num_key_value_heads", heads_, where)),
        embed_(*this, "model.embed_tokens", {get<int64_t>(json, "vocab_size", where), hidden_},
               Role::embedding, -1) {
    const auto layers = get<int>(json, "num_hidden_layers", where);
    const auto eps = get_or<double>(json, "rms_norm_eps", 1e-6, where);
    engine::check(heads_ > 0 && hidden_ % heads_ == 0, where, "hidden_size ", hidden_,
                  " does not divide into ", heads_, " heads");
    for (int i = 0; i < layers; ++i) {
      layers_.push_back(std::make_unique<LlamaLayer>(
          *this, "model.layers." + std::to_string(i), hidden_, hidden_ / heads_ * kv_heads_,
          get<int64_t>(json, "intermediate_size", where), eps, i));
    }
    norm_ = std::make_unique<RmsNorm>(*this, "model.norm", hidden_, eps, Role::ffn_norm, layers);
    if (!get_or<bool>(json, "tie_word_embeddings", false, where)) {
      lm_head_ =
          std::make_unique<Weight>(*this, "lm_head", embed_.weight.dims, Role::embedding, layers);
    }
  }

  engine::Sites sites() override {
    engine::Sites sites = engine::collect_sites(*this);
    sites.model_type = type_;
    sites.layers = static_cast<int>(layers_.size());
    sites.heads = sites.kv.heads = heads_;
    sites.hidden = hidden_;
    return sites;
  }

  Tensor loss(Graph& g, const engine::TokenBatch& batch) override {
    engine::check(engine::DryRun::on(), type_, "this model runs dry only");
    Tensor x = engine::embedding_sum(g, {{g.use(embed_.weight), batch.ids.data()}}, batch.tokens());
    const Tensor angles = engine::rotary_table(
        g, std::vector<int32_t>(batch.ids.size()),
        std::vector<float>(static_cast<size_t>(hidden_ / heads_ / 2)));  // no values: a dry run
    const engine::AttentionOptions options{.heads = heads_, .key_heads = kv_heads_};
    for (const auto& layer : layers_) x = (*layer)(g, x, batch.segments, angles, options);
    x = (*norm_)(g, x);
    const std::vector<double> targets(batch.ids.begin(), batch.ids.end());
    const Tensor logits =
        engine::linear(g, x, g.use(lm_head_ ? lm_head_->weight : embed_.weight), {});
    x = Tensor();
    return engine::cross_entropy(g, logits, targets.data());
  }

 private:
  std::string type_;
  int64_t hidden_;
  int heads_, kv_heads_;
  Weight embed_;
  std::vector<std::unique_ptr<LlamaLayer>> layers_;
  std::unique_ptr<RmsNorm> norm_;
  std::unique_ptr<Weight> lm_head_;
};

}  // namespace

bool is_planned_type(const std::string& model_type) {
  return model_type == "llama" || model_type == "mistral";
}

std::unique_ptr<PlannedModel> planned_model(const engine::Json& config, const std::string& where) {
  const auto type = get<std::string>(config, "model_type", where);
  engine::check(
      is_planned_type(type), where, "model_type '", type, "' is not known",
      engine::hint(
          "known are bert, roberta, electra, distilbert, and for --dry-run llama and mistral"));
  return std::make_unique<Llama>(config, where);
}

}  // namespace models
