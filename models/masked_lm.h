// Masked language modelling with BERT (Devlin et al. 2019): Hugging Face's BertForMaskedLM.
//
//   h = encoder(ids);  t = LN(act(h[masked rows] Wt^T + bt));  logits = t E^T + b, E the word
//   embeddings
//
// Only the masked rows, a seventh of the tokens, go through the output layer, and through all of
// the last encoder layer but its keys and values (about a sixth of a model of four layers' work). E
// is one leaf that is used twice in a graph; its gradients add up. Names: bert.*,
// cls.predictions.transform.{dense,LayerNorm}, cls.predictions.bias.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "engine/io/checkpoint.h"
#include "engine/nn/parameter_store.h"
#include "models/encoder.h"

namespace models {

// t = LN(act(x W^T + b)), then the logits by a tied table: the head of BERT's and ELECTRA's
// language models.
class TiedHead : public engine::Module {
 public:
  // Declares "<transform>.weight ...", "<norm>.weight ..." and "<bias>" below `name`.
  TiedHead(engine::Module& parent, std::string name, const ModelConfig& config, int64_t in,
           int64_t embedding, const std::string& transform, const std::string& norm,
           const std::string& bias);
  // The mean loss over the rows of x.
  engine::Tensor loss(engine::Graph& g, const engine::Tensor& x, engine::Embedding& words,
                      const std::vector<int32_t>& labels, int64_t* correct,
                      const std::function<void(const engine::Tensor&)>& look = {});
  // (rows, vocabulary)
  engine::Tensor logits(engine::Graph& g, const engine::Tensor& x, engine::Embedding& words);

  engine::Parameter bias;  // (1, vocabulary)
  engine::Linear transform;
  engine::LayerNorm norm;

 private:
  engine::Tensor transformed(engine::Graph& g, const engine::Tensor& x);
  engine::Activation activation_;
};

class MaskedLm : public engine::Module {
 public:
  // Declares the parameters. Throws for families other than BERT.
  explicit MaskedLm(ModelConfig config);

  const ModelConfig& config() const { return config_; }

  // (rows, hidden) of the last layer at `rows` of the packed batch, which must live until backward.
  // The same values as all of the encoder would give there, as long as dropout is off: masks are
  // drawn for fewer rows.
  engine::Tensor encode_rows(engine::Graph& g, const engine::TokenBatch& batch,
                             const std::vector<int32_t>& rows);
  // Mean cross entropy at `rows` of the packed batch; labels are the ids that stood there.
  // `correct` gets the hits.
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch,
                      const std::vector<int32_t>& rows, const std::vector<int32_t>& labels,
                      int64_t* correct = nullptr);
  // (rows, vocabulary): what stands at each of `rows`?
  engine::Tensor logits(engine::Graph& g, const engine::TokenBatch& batch,
                        const std::vector<int32_t>& rows);

 private:
  ModelConfig config_;
  Encoder encoder_;
  TiedHead head_;
  engine::RowChoice masked_;
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
