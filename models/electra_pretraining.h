// Replaced-token detection (ELECTRA, Clark et al. 2020): Hugging Face's ElectraForPreTraining with
// the generator it learns from.
//
//   a small generator guesses the masked tokens (a masked language model);  one of its guesses is
//   drawn at each place; the discriminator says of every token whether it was put in:  loss =
//   generator's + weight mean(binary cross entropy)
//
// The two share the embeddings with their LayerNorm. No gradient passes through the draw. The
// discriminator is the model that is kept: electra.*,
// discriminator_predictions.{dense,dense_prediction}. The generator's names begin with "generator".
#pragma once

#include <memory>
#include <vector>

#include "models/masked_lm.h"

namespace models {

struct RtdCounts {
  double generator_loss = 0, discriminator_loss = 0;  // means: over masked tokens, over all tokens
  int64_t generator_correct = 0, discriminator_correct = 0;
  int64_t replaced = 0;  // tokens that differ from the text
};

class ElectraPretraining : public engine::Module {
 public:
  // `generator`: its hidden and feed-forward sizes and heads as parts of the discriminator's, in
  // (0, 1]. Throws for families other than ELECTRA.
  ElectraPretraining(ModelConfig config, double generator);

  const ModelConfig& config() const { return config_; }

  // `batch` has masks in it; rows and labels as in MaskedLm. What is drawn is a function of `key`.
  // The batch must live until backward.
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch,
                      const std::vector<int32_t>& rows, const std::vector<int32_t>& labels,
                      double weight, uint64_t key, RtdCounts* counts = nullptr);

  // (tokens, 1): the discriminator's logit for "put in".
  engine::Tensor discriminate(engine::Graph& g, const engine::TokenBatch& batch);
  // The batch with the generator's guesses, as the last loss() made it.
  const engine::TokenBatch& corrupted() const { return corrupted_; }

 private:
  ModelConfig config_, generator_config_;
  Encoder encoder_;
  engine::Linear dense_, prediction_;
  std::unique_ptr<engine::Linear> generator_in_;
  std::vector<std::unique_ptr<EncoderLayer>> generator_layers_;
  std::unique_ptr<TiedHead> generator_head_;
  engine::TokenBatch corrupted_;
  engine::RowChoice masked_;
};

// One draw a row from softmax(logits) by its cumulative sum, as a function of key and row.
std::vector<int32_t> sample_rows(const engine::Tensor& logits, uint64_t key);

}  // namespace models
