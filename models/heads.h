// Heads: what stands on a model for a task, by the names that its family has in Hugging Face.
//
// A head is declared in the model (Module's parent), so its parameters follow the model's and have
// full names: "classifier.weight", "cls.predictions.bias".
#pragma once

#include <memory>
#include <vector>

#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/ops/vocabulary_loss.h"
#include "models/model.h"

namespace models {

// (rows, outputs) from (rows, hidden): HeadNames' dense, act, norm and a last layer of its own.
class Classifier : public engine::Module {
 public:
  // kind: classification, token_classification or replaced_token.
  Classifier(Model& model, HeadKind kind, int64_t outputs);
  engine::Tensor operator()(engine::Graph& g, engine::Tensor x);

  const std::string& architecture() const { return names_.architecture; }
  Pooling pooling() const { return names_.pooling; }

 private:
  HeadNames names_;

 public:
  std::unique_ptr<engine::Linear> dense;    // null where the family has none
  std::unique_ptr<engine::LayerNorm> norm;  // null where the family has none
  std::unique_ptr<engine::Linear> out;
};

// (rows, vocabulary) from (rows, hidden), by the table of words or a layer of its own. A pretrained
// layer, Role::lm_head: strategies train it like the rest of the model.
class VocabularyHead : public engine::Module {
 public:
  // kind: masked_lm or language_model.
  VocabularyHead(Model& model, HeadKind kind);
  // For a stack of its own on the model's words (ELECTRA's generator); `in` is the width of x.
  VocabularyHead(engine::Module& parent, HeadNames names, int64_t in, engine::Embedding& words,
                 int after_layer);

  engine::Tensor logits(engine::Graph& g, const engine::Tensor& x);
  // Mean cross entropy over the rows with a label (not -1), by blocks of rows
  // (ops/vocabulary_loss.h).
  engine::Tensor loss(engine::Graph& g, const engine::Tensor& x, const std::vector<int32_t>& labels,
                      const engine::VocabularyLossOptions& options = {});

  const std::string& architecture() const { return names_.architecture; }
  // Whether the last layer is the table of words. It is one no longer when an adapter on either of
  // them was merged; then config.json must say "tie_word_embeddings": false.
  bool tied() const { return out_->tied(); }
  engine::Linear& output_layer() { return *out_; }

 private:
  engine::Tensor transformed(engine::Graph& g, const engine::Tensor& x);

  HeadNames names_;
  engine::Parameter tied_bias_;  // (1, vocabulary)
  std::unique_ptr<engine::Linear> dense_, out_;
  std::unique_ptr<engine::LayerNorm> norm_;
};

}  // namespace models
