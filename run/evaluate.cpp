#include "run/evaluate.h"

#include <cmath>

#include "data/batcher.h"
#include "data/rows.h"
#include "data/tsv.h"
#include "engine/base/atomic_file.h"
#include "engine/train/pieces.h"

namespace run {

using engine::Json;

tasks::Predictions predict(const tasks::Task& task, engine::Workspace& workspace,
                           const data::EncodedSplit& split, int batch_size, int64_t piece_tokens,
                           const Outputs& outputs_of) {
  tasks::Predictions result;
  task.reserve(split, result);
  data::EvalBatches batches(split, batch_size, data::EvalBatches::Order::by_length);
  engine::GraphOptions options;
  options.record = false;
  engine::Pieces pieces;
  const auto take = [&](const engine::TokenBatch& batch) {
    if (!batch.targets.empty() && batch.terms() == 0) return;  // nothing is asked of it
    engine::Graph g(workspace, options);
    task.evaluate(g, outputs_of(g, batch), batch, split.labelled(), result);
  };
  for (engine::TokenBatch batch; batches.next(batch);) {
    pieces.cut(batch, piece_tokens);
    for (int i = 0; i < pieces.count(); ++i) take(pieces.get(i));
  }
  result.loss = result.terms > 0 ? result.loss / result.terms * task.loss_unit() : 0;
  return result;
}

double selection_score(const Json& metrics, const std::string& metric) {
  double sum = 0;
  for (const auto& [split, scores] : metrics.items()) {
    const Json* found = nullptr;
    std::vector<std::string> names;
    const Json none = Json::object();
    const Json& report = scores.contains("report") ? scores.at("report") : none;
    for (const Json* list : {&scores, &report})
      for (const auto& [name, value] : list->items()) {
        if (!value.is_number() && !value.is_null()) continue;
        if (name == "examples") continue;
        names.push_back(name);
        if (name == metric && !found) found = &value;
      }
    engine::check(found != nullptr, "--metric", "there is no '", metric, "' here",
                  engine::hint("known are ", data::listed(names)));
    const bool less = metric == "loss" || metric == "mse" || metric == "mae" ||
                      metric == "perplexity" || metric == "bits_per_byte";
    // A correlation that is not defined is no better than any other.
    sum += found->is_null() ? -1e30 : found->get<double>() * (less ? -1 : 1);
  }
  return metrics.empty() ? 0 : sum / static_cast<double>(metrics.size());
}

void write_predictions(const std::filesystem::path& file, const Session& session,
                       const std::map<std::string, tasks::Predictions>& predictions) {
  const tasks::Task& task = *session.task;
  const std::vector<std::string> names = task.output_names();
  std::string text = "split\tindex\tlabel\tprediction";
  for (const std::string& name : names) text += "\tp_" + data::tsv_cell(name);
  text += '\n';
  for (const auto& [split_name, p] : predictions) {
    const data::EncodedSplit& split = session.splits.at(split_name);
    for (int64_t i = 0; i < split.size(); ++i) {
      const auto at = static_cast<size_t>(i);
      text += split_name + '\t' + std::to_string(split.example_ids()[at]) + '\t';
      if (split.labelled()) text += data::tsv_cell(task.label(split, i));
      text += '\t' + data::tsv_cell(task.answer(p, i));
      for (size_t c = 0; c < names.size(); ++c) {
        char number[32];
        std::snprintf(number, sizeof number, "\t%.6f",
                      p.outputs[at * static_cast<size_t>(p.width) + c]);
        text += number;
      }
      text += '\n';
    }
  }
  engine::write_file_atomically(file, text);
}

}  // namespace run
