#include "models/masked_lm.h"

#include "engine/io/atomic_file.h"
#include "engine/ops/linear.h"
#include "models/vocabulary_loss.h"

namespace models {

using engine::check;
using engine::Graph;
using engine::Role;
using engine::Tensor;

TiedHead::TiedHead(engine::Module& parent, std::string name, const ModelConfig& config, int64_t in,
                   int64_t embedding, const std::string& transform_name,
                   const std::string& norm_name, const std::string& bias_name)
    : Module(parent, std::move(name)),
      transform(*this, transform_name, in, embedding, Role::head, config.num_hidden_layers),
      norm(*this, norm_name, embedding, config.layer_norm_eps, Role::head,
           config.num_hidden_layers),
      activation_(config.hidden_act) {
  declare(bias, bias_name, {config.vocab_size}, Role::head, config.num_hidden_layers,
          engine::Init::zeros);
  bias.bias = true;
  transform.weight.init_std = config.initializer_range;
}

Tensor TiedHead::transformed(Graph& g, const Tensor& x) {
  return norm(g, transform(g, x, activation_));
}

Tensor TiedHead::loss(Graph& g, const Tensor& x, engine::Embedding& words,
                      const std::vector<int32_t>& labels, int64_t* correct,
                      const std::function<void(const Tensor&)>& look) {
  return vocabulary_loss(g, transformed(g, x), g.use(words.weight), g.use(bias), labels, correct,
                         look);
}

Tensor TiedHead::logits(Graph& g, const Tensor& x, engine::Embedding& words) {
  return engine::linear(g, transformed(g, x), g.use(words.weight), g.use(bias));
}

MaskedLm::MaskedLm(ModelConfig config)
    : config_(std::move(config)),
      encoder_(*this, "bert", config_),
      head_(*this, "cls.predictions", config_, config_.hidden_size, config_.embedding_size,
            "transform.dense", "transform.LayerNorm", "bias") {
  check(config_.family == Family::bert, "masked_lm", "model_type '", config_.model_type,
        "' cannot be pretrained with mlm",
        engine::hint("use type=bert, or the objective rtd with type=electra"));
}

Tensor MaskedLm::encode_rows(Graph& g, const engine::TokenBatch& batch,
                             const std::vector<int32_t>& rows) {
  masked_.choose(batch.segments, rows);
  return encoder_(g, batch, &masked_);
}

Tensor MaskedLm::loss(Graph& g, const engine::TokenBatch& batch, const std::vector<int32_t>& rows,
                      const std::vector<int32_t>& labels, int64_t* correct) {
  return head_.loss(g, encode_rows(g, batch, rows), encoder_.embeddings.word, labels, correct);
}

Tensor MaskedLm::logits(Graph& g, const engine::TokenBatch& batch,
                        const std::vector<int32_t>& rows) {
  return head_.logits(g, encode_rows(g, batch, rows), encoder_.embeddings.word);
}

engine::Json pretraining_json(const ModelConfig& config, const std::string& architecture,
                              double dropout) {
  ModelConfig exported = config;
  exported.set_dropout(dropout);
  engine::Json json = exported.to_json();
  json["architectures"] = {architecture};
  json["tie_word_embeddings"] = true;
  for (const char* key : {"id2label", "label2id", "problem_type", "num_labels"}) json.erase(key);
  return json;
}

void save_pretrained(const std::filesystem::path& folder, const engine::Json& config,
                     const engine::ParameterStore& store, engine::DType dtype,
                     const std::string& leave_out) {
  std::filesystem::create_directories(folder);
  std::vector<engine::Parameter*> kept;
  for (engine::Parameter* p : store.all())
    if (leave_out.empty() || !p->name.starts_with(leave_out)) kept.push_back(p);
  engine::save_parameters(folder / "model.safetensors", kept, dtype);
  engine::write_file_atomically(folder / "config.json", engine::json_text(config, 2) + "\n");
}

}  // namespace models
