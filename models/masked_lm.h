// Masked language modelling with BERT (Devlin et al. 2019): Hugging Face's BertForMaskedLM.
//
//   h = encoder(ids);  t = LN(act(h[masked rows] Wt^T + bt));  logits = t E^T + b, E the word
//   embeddings
//
// Only the masked rows, a seventh of the tokens, go through the output layer, and through all of
// the last encoder layer but its keys and values (about a sixth of the work of a model of four
// layers). Tied weights: E is both the input and the output embedding. Their gradients add up.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "engine/io/checkpoint.h"
#include "engine/nn/parameter_store.h"
#include "models/config.h"
#include "models/heads.h"

namespace models {

class MaskedLm : public engine::Module {
 public:
  // Declares the parameters. Throws for a family without such a head, and for ELECTRA, whose
  // checkpoints are discriminators.
  explicit MaskedLm(ModelConfig config);

  const ModelConfig& config() const { return config_; }
  Model& model() { return *model_; }
  engine::Sites sites() { return model_->sites(); }

  // (rows, hidden) of the last layer at `rows` of the packed batch: the same values as all of the
  // encoder would give there, as long as dropout is off (masks are drawn for fewer rows).
  engine::Tensor encode_rows(engine::Graph& g, const engine::Batch& batch,
                             const std::vector<int32_t>& rows);
  // Mean cross entropy at `rows` of the packed batch; labels are the ids that stood there.
  // `correct` gets the hits.
  engine::Tensor loss(engine::Graph& g, const engine::Batch& batch,
                      const std::vector<int32_t>& rows, const std::vector<int32_t>& labels,
                      int64_t* correct = nullptr);
  // (rows, vocabulary): what stands at each of `rows`?
  engine::Tensor logits(engine::Graph& g, const engine::Batch& batch,
                        const std::vector<int32_t>& rows);

 private:
  ModelConfig config_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<VocabularyHead> head_;
};

// config.json for one of our pretraining models: `architecture` without labels. `dropout` is what
// fine-tuning should use, whatever pretraining used.
engine::Json pretraining_json(const ModelConfig& config, const std::string& architecture,
                              double dropout);

// Writes config.json and model.safetensors with the parameters whose names do not begin with
// `leave_out` (nothing if empty).
void save_pretrained(const std::filesystem::path& folder, const engine::Json& config,
                     const engine::ParameterStore& store, engine::DType dtype,
                     const std::string& leave_out = "");

}  // namespace models
