// Sequence classification and regression: an encoder and the head that its family has in Hugging
// Face.
//
//   BERT        drop(tanh(pooler(h0))) -> classifier                      bert.pooler.dense,
//   classifier RoBERTa     drop(h0) -> dense -> tanh -> drop -> out_proj classifier.dense,
//   classifier.out_proj ELECTRA     the same with GELU classifier.dense, classifier.out_proj
//   DistilBERT  pre_classifier(h0) -> ReLU -> drop -> classifier          pre_classifier,
//   classifier
// h0 is the first token of each sequence.
#pragma once

#include <memory>

#include "models/encoder.h"

namespace models {

class SequenceClassifier : public engine::Module {
 public:
  // Declares the parameters; no memory is taken until an engine::ParameterStore allocates.
  explicit SequenceClassifier(ModelConfig config);

  const ModelConfig& config() const { return config_; }
  // Where a strategy may add its modules; pointers into this model.
  engine::Sites sites();

  // (tokens, hidden). The batch must live until backward.
  engine::Tensor encode(engine::Graph& g, const engine::TokenBatch& batch);
  // (sequences, hidden): h0, which is all that the head reads, so that the last layer is computed
  // there only.
  engine::Tensor encode_first(engine::Graph& g, const engine::TokenBatch& batch);
  // (sequences, num_labels) from h0.
  engine::Tensor head(engine::Graph& g, engine::Tensor first);
  engine::Tensor logits(engine::Graph& g, const engine::TokenBatch& batch);
  // Cross entropy over the classes, or mean squared error when num_labels is 1; `logits` from this
  // model.
  engine::Tensor loss(engine::Graph& g, const engine::Tensor& logits,
                      const engine::TokenBatch& batch, double label_smoothing = 0);

 private:
  ModelConfig config_;
  Encoder encoder_;
  std::unique_ptr<engine::Linear> pooler_;  // BERT
  std::unique_ptr<engine::Linear> dense_;   // RoBERTa, ELECTRA, DistilBERT
  std::unique_ptr<engine::Linear> out_;
  engine::RowChoice first_;  // each sequence's first token
};

}  // namespace models
