// A model and the head of its task, as its family has it in Hugging Face (heads.h): for classes or
// a number on each sequence's first token, on its last that is no padding where a token sees only
// those before it, or on its end token where an encoder-decoder reads it a second time; for classes
// on every token; or over the vocabulary.
#pragma once

#include <memory>

#include "models/config.h"
#include "models/heads.h"

namespace models {

class SequenceClassifier : public engine::Module {
 public:
  // Declares the parameters; no memory is taken until an engine::ParameterStore allocates.
  explicit SequenceClassifier(ModelConfig config);

  const ModelConfig& config() const { return config_; }
  Model& model() { return *model_; }
  // Where a strategy may add its modules; pointers into this model.
  engine::Sites sites() { return model_->sites(); }

  // (tokens, hidden)
  engine::Tensor encode(engine::Graph& g, const engine::Batch& batch);
  // (sequences, hidden): all that the head reads, so that the last layer is computed there only.
  engine::Tensor encode_first(engine::Graph& g, const engine::Batch& batch);
  // (sequences, num_labels) from encode_first().
  engine::Tensor head(engine::Graph& g, engine::Tensor first);
  engine::Tensor logits(engine::Graph& g, const engine::Batch& batch);
  // (rows, num_labels) at some tokens, ascending: what a head for tokens says of each.
  engine::Tensor logits_at(engine::Graph& g, const engine::Batch& batch,
                           const std::vector<int32_t>& rows);
  // (rows, hidden) at some tokens (of the output, where the batch has one), ascending.
  engine::Tensor encode_at(engine::Graph& g, const engine::Batch& batch,
                           const std::vector<int32_t>& rows);
  // The head of a language model: config().head says so.
  VocabularyHead& vocabulary();
  // Whether its last layer is no longer the table of words that its config.json says it is.
  bool untied() const { return vocabulary_ && !vocabulary_->tied(); }
  // The last layer of the head: (num_labels, hidden).
  engine::Linear& output_layer() { return *head_->out; }
  // Cross entropy over the classes, or mean squared error when num_labels is 1; `logits` from this
  // model.
  engine::Tensor loss(engine::Graph& g, const engine::Tensor& logits, const engine::Batch& batch,
                      double label_smoothing = 0);

 private:
  ModelConfig config_;
  int32_t pad_;  // pad_token_id; -1: the model has none
  int32_t end_;  // eos_token_id; the same
  std::unique_ptr<Model> model_;
  std::unique_ptr<Classifier> head_;
  std::unique_ptr<VocabularyHead> vocabulary_;  // instead, for HeadKind::language_model
};

}  // namespace models
