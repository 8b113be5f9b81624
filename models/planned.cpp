#include "models/planned.h"

namespace models {
namespace {

using engine::get;
using engine::get_or;
using engine::Linear;
using engine::Role;

struct Weight : engine::Module {
  Weight(engine::Module& parent, std::string name, std::vector<int64_t> dims, Role role, int layer)
      : Module(parent, std::move(name)) {
    declare(weight, "weight", std::move(dims), role, layer);
  }
  engine::Parameter weight;
};

// Touvron et al. 2023: RMSNorm, rotary positions (no table), SwiGLU (two layers in, one out), no
// biases.
struct LlamaLayer : engine::Module {
  LlamaLayer(engine::Module& parent, std::string name, int64_t h, int64_t kv, int64_t ffn,
             int layer)
      : Module(parent, std::move(name)),
        query(*this, "self_attn.q_proj", h, h, Role::query, layer, false),
        key(*this, "self_attn.k_proj", h, kv, Role::key, layer, false),
        value(*this, "self_attn.v_proj", h, kv, Role::value, layer, false),
        output(*this, "self_attn.o_proj", h, h, Role::attention_output, layer, false),
        gate(*this, "mlp.gate_proj", h, ffn, Role::ffn_in, layer, false),
        up(*this, "mlp.up_proj", h, ffn, Role::ffn_in, layer, false),
        down(*this, "mlp.down_proj", ffn, h, Role::ffn_out, layer, false),
        input_norm(*this, "input_layernorm", {h}, Role::attention_norm, layer),
        post_norm(*this, "post_attention_layernorm", {h}, Role::ffn_norm, layer),
        after_attention(*this, "self_attn", h, engine::Point::after_attention, layer),
        after_ffn(*this, "mlp", h, engine::Point::after_ffn, layer),
        front(*this, h, layer) {
    input_norm.weight.norm = post_norm.weight.norm = true;
  }
  Linear query, key, value, output, gate, up, down;
  Weight input_norm, post_norm;
  engine::HookPoint after_attention, after_ffn;
  engine::KvPoint front;
};

class Llama : public PlannedModel {
 public:
  Llama(const engine::Json& json, const std::string& where)
      : type_(get<std::string>(json, "model_type", where)),
        hidden_(get<int64_t>(json, "hidden_size", where)),
        heads_(get<int>(json, "num_attention_heads", where)),
        embed_(*this, "model.embed_tokens", {get<int64_t>(json, "vocab_size", where), hidden_},
               Role::embedding, -1) {
    const auto kv_heads = get_or<int64_t>(json, "num_key_value_heads", heads_, where);
    const auto layers = get<int>(json, "num_hidden_layers", where);
    engine::check(heads_ > 0 && hidden_ % heads_ == 0, where, "hidden_size ", hidden_,
                  " does not divide into ", heads_, " heads");
    for (int i = 0; i < layers; ++i) {
      layers_.push_back(std::make_unique<LlamaLayer>(
          *this, "model.layers." + std::to_string(i), hidden_, hidden_ / heads_ * kv_heads,
          get<int64_t>(json, "intermediate_size", where), i));
    }
    norm_ = std::make_unique<Weight>(*this, "model.norm", std::vector<int64_t>{hidden_},
                                     Role::ffn_norm, layers);
    norm_->weight.norm = true;
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

 private:
  std::string type_;
  int64_t hidden_;
  int heads_;
  Weight embed_;
  std::vector<std::unique_ptr<LlamaLayer>> layers_;
  std::unique_ptr<Weight> norm_;
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
