// Predictions and scores of a model on an encoded split: no dropout, nothing recorded, sequences
// sorted by length.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "run/session.h"

namespace run {

// What a task's outputs are for a batch: Task::outputs, or only the head on kept features.
using Outputs = std::function<engine::Tensor(engine::Graph&, const engine::TokenBatch&)>;

// In the order of the split, from `outputs` of batches of it, or of their micro-batches
// (engine/train/pieces.h; 0: of whole batches). With labels, also the mean loss.
tasks::Predictions predict(const tasks::Task& task, engine::Workspace& workspace,
                           const data::EncodedSplit& split, int batch_size, int64_t piece_tokens,
                           const Outputs& outputs);

// Mean over the splits of {"dev": {...}, ...} of a metric by name, looked for in the scores and in
// their report; where less is better (loss, mse, mae, perplexity, bits_per_byte) its negative.
// Throws engine::Error that lists the names if there is none such.
double selection_score(const engine::Json& metrics, const std::string& metric);

// A line an example: split, index, label (if known), prediction, and the probability of every
// class. Atomic.
void write_predictions(const std::filesystem::path& file, const Session& session,
                       const std::map<std::string, tasks::Predictions>& predictions);

}  // namespace run
