#include "models/planned.h"

namespace models {
namespace {

using engine::get;
using engine::get_or;
using engine::Linear;
using engine::Role;

struct Weight : engine::Module {
  Weight(std::vector<int64_t> dims, Role role, int layer) {
    declare(weight, "weight", std::move(dims), role, layer);
  }
  engine::Parameter weight;
};

// Touvron et al. 2023: RMSNorm, rotary positions (no table), SwiGLU (two layers in, one out), no
// biases.
struct LlamaLayer : engine::Module {
  LlamaLayer(int64_t h, int64_t kv, int64_t ffn, int layer)
      : query(h, h, Role::query, layer, false),
        key(h, kv, Role::key, layer, false),
        value(h, kv, Role::value, layer, false),
        output(h, h, Role::attention_output, layer, false),
        gate(h, ffn, Role::ffn_in, layer, false),
        up(h, ffn, Role::ffn_in, layer, false),
        down(ffn, h, Role::ffn_out, layer, false),
        input_norm({h}, Role::attention_norm, layer),
        post_norm({h}, Role::ffn_norm, layer) {
    input_norm.weight.norm = post_norm.weight.norm = true;
    const std::pair<engine::Module*, const char*> children[] = {
        {&query, "self_attn.q_proj"},
        {&key, "self_attn.k_proj"},
        {&value, "self_attn.v_proj"},
        {&output, "self_attn.o_proj"},
        {&gate, "mlp.gate_proj"},
        {&up, "mlp.up_proj"},
        {&down, "mlp.down_proj"},
        {&input_norm, "input_layernorm"},
        {&post_norm, "post_attention_layernorm"},
        {&after_attention, "self_attn"},
        {&after_ffn, "mlp"}};
    for (const auto& [module, name] : children) declare(*module, name);
  }
  Linear query, key, value, output, gate, up, down;
  Weight input_norm, post_norm;
  engine::Module after_attention, after_ffn;
  std::vector<std::unique_ptr<engine::PointHook>> attention_hooks, ffn_hooks;
};

class Llama : public PlannedModel {
 public:
  Llama(const engine::Json& json, const std::string& where)
      : type_(get<std::string>(json, "model_type", where)),
        hidden_(get<int64_t>(json, "hidden_size", where)),
        heads_(get<int>(json, "num_attention_heads", where)),
        embed_({get<int64_t>(json, "vocab_size", where), hidden_}, Role::embedding, -1),
        norm_({hidden_}, Role::ffn_norm, -1) {
    const auto kv_heads = get_or<int64_t>(json, "num_key_value_heads", heads_, where);
    const auto layers = get<int>(json, "num_hidden_layers", where);
    engine::check(heads_ > 0 && hidden_ % heads_ == 0, where, "hidden_size ", hidden_,
                  " does not divide into ", heads_, " heads");
    declare(embed_, "model.embed_tokens");
    for (int i = 0; i < layers; ++i) {
      layers_.push_back(std::make_unique<LlamaLayer>(
          hidden_, hidden_ / heads_ * kv_heads, get<int64_t>(json, "intermediate_size", where), i));
      declare(*layers_.back(), "model.layers." + std::to_string(i));
    }
    norm_.weight.norm = true;
    norm_.weight.layer = layers;
    declare(norm_, "model.norm");
    if (!get_or<bool>(json, "tie_word_embeddings", false, where)) {
      lm_head_ = std::make_unique<Weight>(embed_.weight.dims, Role::embedding, layers);
      declare(*lm_head_, "lm_head");
    }
  }

  engine::Sites sites() override {
    engine::Sites sites;
    sites.model_type = type_;
    sites.layers = static_cast<int>(layers_.size());
    sites.heads = heads_;
    sites.hidden = hidden_;
    for (int i = 0; i < sites.layers; ++i) {
      LlamaLayer& l = *layers_[static_cast<size_t>(i)];
      const std::string path = "model.layers." + std::to_string(i) + ".";
      const auto add = [&](Linear& linear, Role role, const char* name) {
        sites.linears.push_back({&linear, role, i, 0, linear.out(), path + name});
      };
      add(l.query, Role::query, "self_attn.q_proj");
      add(l.key, Role::key, "self_attn.k_proj");
      add(l.value, Role::value, "self_attn.v_proj");
      add(l.output, Role::attention_output, "self_attn.o_proj");
      add(l.gate, Role::ffn_in, "mlp.gate_proj");
      add(l.up, Role::ffn_in, "mlp.up_proj");
      add(l.down, Role::ffn_out, "mlp.down_proj");
      sites.points.push_back({engine::Point::after_attention, i, hidden_, &l.attention_hooks,
                              &l.after_attention, path + "self_attn"});
      sites.points.push_back(
          {engine::Point::after_ffn, i, hidden_, &l.ffn_hooks, &l.after_ffn, path + "mlp"});
    }
    sites.kv = {sites.layers, heads_, hidden_, &prefix_, this};
    return sites;
  }

 private:
  std::string type_;
  int64_t hidden_;
  int heads_;
  Weight embed_;
  std::vector<std::unique_ptr<LlamaLayer>> layers_;
  Weight norm_;
  std::unique_ptr<Weight> lm_head_;
  std::unique_ptr<engine::KvHook> prefix_;
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
