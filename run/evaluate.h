// Predictions and metrics of a model on an encoded split: no dropout, nothing recorded, sequences
// sorted by length.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "run/session.h"

namespace run {

struct Predictions {
  std::vector<double> predicted;  // (examples) class index, or score
  std::vector<double>
      outputs;  // (examples x num_labels) probabilities of the classes, or the score
  int num_labels = 0;
  double loss = 0;  // mean over examples; only if the split has labels
};

// (sequences, num_labels) of a batch.
using Logits = std::function<engine::Tensor(engine::Graph&, const engine::TokenBatch&)>;

// In the order of the split, from `logits` of batches of it, or of their pieces
// (engine/train/pieces.h; 0: of whole batches).
Predictions predict(models::SequenceClassifier& model, engine::Workspace& workspace,
                    const data::EncodedSplit& split, int batch_size, int64_t piece_tokens,
                    const Logits& logits);

// {"accuracy": ..., "score": mean of the task's metrics, "loss": ..., "examples": n}
engine::Json evaluate(const data::TaskInfo& task, const data::EncodedSplit& split,
                      const Predictions& predictions);

// Mean of "score" over the splits of {"dev": {...}, ...}.
double overall_score(const engine::Json& metrics);

// A line an example: split, index, label (if known), prediction, and the probability of every
// class. Atomic.
void write_predictions(const std::filesystem::path& file, const Session& session,
                       const std::map<std::string, Predictions>& predictions);

}  // namespace run
