// Replaced-token detection (ELECTRA, Clark et al. 2020): Hugging Face's ElectraForPreTraining with
// the generator it learns from.
//
//   A small generator guesses the masked tokens (a masked language model). One of its guesses is
//   drawn at each place. The discriminator says of every token whether it was put in:
//   loss = generator's + weight mean(binary cross entropy)
//
// The two share the embeddings with their LayerNorm. No gradient passes through the draw. The
// discriminator is the model that is kept: electra.*,
// discriminator_predictions.{dense,dense_prediction}. The generator's names begin with "generator".
#pragma once

#include <memory>
#include <vector>

#include "models/bert.h"
#include "models/masked_lm.h"

namespace models {

struct RtdCounts {
  double generator_loss = 0, discriminator_loss = 0;  // means: over masked tokens, over all tokens
  int64_t generator_correct = 0, discriminator_correct = 0;
  int64_t replaced = 0;      // tokens that differ from the text
  std::vector<int32_t> ids;  // (tokens) of the batch, with the generator's guesses in it
};

// Layers and an output layer of its own on another model's embeddings: guesses words.
class ElectraGenerator : public engine::Module {
 public:
  // Declares the generator in `model`. `part`: its hidden and feed-forward sizes and heads as parts
  // of the model's, in (0, 1].
  ElectraGenerator(BertModel& model, double part);

  // The mean loss at `rows` of a batch with masks in it.
  engine::Tensor loss(engine::Graph& g, const engine::Batch& batch,
                      const std::vector<int32_t>& rows, const std::vector<int32_t>& labels,
                      const engine::VocabularyLossOptions& options);

 private:
  BertModel& model_;
  const BertConfig config_;
  std::unique_ptr<engine::Linear> projection_;
  std::vector<std::unique_ptr<BertLayer>> layers_;
  std::unique_ptr<VocabularyHead> head_;
};

class ElectraPretraining : public engine::Module {
 public:
  // `generator` as in ElectraGenerator. Throws for families other than ELECTRA.
  ElectraPretraining(ModelConfig config, double generator);

  const ModelConfig& config() const { return config_; }
  Model& model() { return *model_; }

  // `batch` has masks in it; rows and labels as in MaskedLm. What is drawn is a function of `key`.
  engine::Tensor loss(engine::Graph& g, const engine::Batch& batch,
                      const std::vector<int32_t>& rows, const std::vector<int32_t>& labels,
                      double weight, uint64_t key, RtdCounts* counts = nullptr);

  // (tokens, 1): the discriminator's logit for "put in".
  engine::Tensor discriminate(engine::Graph& g, const engine::Batch& batch);

 private:
  ModelConfig config_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Classifier> head_;
  std::unique_ptr<ElectraGenerator> generator_;
};

// One draw a row from softmax(logits) by its cumulative sum, as a function of key and row; the rows
// of `logits` are rows first, first + 1, ... of the batch.
std::vector<int32_t> sample_rows(const engine::Tensor& logits, uint64_t key, int64_t first = 0);

}  // namespace models
