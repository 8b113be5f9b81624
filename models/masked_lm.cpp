#include "models/masked_lm.h"

#include "engine/base/atomic_file.h"
#include "models/pretrained.h"
#include "models/registry.h"

namespace models {

using engine::Graph;
using engine::Tensor;

MaskedLm::MaskedLm(ModelConfig config)
    : config_(std::move(config)), model_(make_model(config_.json, config_.where)) {
  engine::check(config_.facts.model_type != "electra", "masked_lm",
                "model_type 'electra' cannot be pretrained with mlm",
                engine::hint("use type=bert, or the objective rtd with type=electra"));
  head_ = std::make_unique<VocabularyHead>(*model_, HeadKind::masked_lm);
  declare(*model_, "");
}

Tensor MaskedLm::encode_rows(Graph& g, const engine::Batch& batch,
                             const std::vector<int32_t>& rows) {
  auto& masked = g.recycle<engine::RowSelection>();
  masked.choose(batch.segments, rows);
  return model_->encode(g, batch, {&masked});
}

Tensor MaskedLm::loss(Graph& g, const engine::Batch& batch, const std::vector<int32_t>& rows,
                      const std::vector<int32_t>& labels, int64_t* correct) {
  return head_->loss(g, encode_rows(g, batch, rows), labels, {.correct = correct});
}

Tensor MaskedLm::logits(Graph& g, const engine::Batch& batch, const std::vector<int32_t>& rows) {
  return head_->logits(g, encode_rows(g, batch, rows));
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
  engine::write_file_atomically(folder / "config.json",
                                engine::json_text(with_dtype(config, dtype), 2) + "\n");
}

}  // namespace models
