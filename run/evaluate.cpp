#include "run/evaluate.h"

#include <cmath>

#include "data/batcher.h"
#include "engine/io/atomic_file.h"
#include "engine/train/metrics.h"
#include "engine/train/pieces.h"

namespace run {

using engine::Json;

Predictions predict(models::SequenceClassifier& model, engine::Workspace& workspace,
                    const data::EncodedSplit& split, int batch_size, int64_t piece_tokens,
                    const Logits& logits_of) {
  const int labels = model.config().num_labels;
  Predictions result;
  result.num_labels = labels;
  result.predicted.resize(static_cast<size_t>(split.size()));
  result.outputs.resize(static_cast<size_t>(split.size() * labels));
  data::EvalBatches batches(split, batch_size, data::EvalBatches::Order::by_length);
  engine::GraphOptions options;
  options.record = false;
  double loss = 0;
  engine::Pieces pieces;
  const auto take = [&](const engine::TokenBatch& batch) {
    engine::Graph g(workspace, options);
    const engine::Tensor logits = logits_of(g, batch);
    if (split.labelled())
      loss += static_cast<double>(*model.loss(g, logits, batch).data()) * batch.sequences();
    for (int64_t i = 0; i < logits.rows(); ++i) {
      const auto row = logits.row_array(i);
      const auto at = static_cast<size_t>(batch.examples[static_cast<size_t>(i)]);
      double* out = result.outputs.data() + at * static_cast<size_t>(labels);
      if (labels == 1) {
        result.predicted[at] = out[0] = static_cast<double>(row[0]);
        continue;
      }
      Eigen::Index best = 0;
      row.maxCoeff(&best);
      result.predicted[at] = static_cast<double>(best);
      double sum = 0;
      for (int c = 0; c < labels; ++c)
        sum += out[c] = std::exp(static_cast<double>(row[c] - row[best]));
      for (int c = 0; c < labels; ++c) out[c] /= sum;
    }
  };
  for (engine::TokenBatch batch; batches.next(batch);) {
    pieces.cut(batch, piece_tokens);
    for (int i = 0; i < pieces.count(); ++i) take(pieces.get(i));
  }
  result.loss = split.size() ? loss / static_cast<double>(split.size()) : 0;
  return result;
}

Json evaluate(const data::TaskInfo& task, const data::EncodedSplit& split,
              const Predictions& predictions) {
  Json json = Json::object();
  double sum = 0;
  for (const std::string& name : task.metrics) {
    const double value = engine::metric(name, predictions.predicted, split.labels());
    json[name] = value;
    sum += value;
  }
  json["score"] = sum / static_cast<double>(task.metrics.size());
  json["loss"] = predictions.loss;
  json["examples"] = split.size();
  return json;
}

double overall_score(const Json& metrics) {
  double sum = 0;
  for (const auto& [split, values] : metrics.items()) sum += values.at("score").get<double>();
  return metrics.empty() ? 0 : sum / static_cast<double>(metrics.size());
}

void write_predictions(const std::filesystem::path& file, const Session& session,
                       const std::map<std::string, Predictions>& predictions) {
  const data::TaskInfo& task = session.task.info;
  const auto name = [&](double value) {
    return task.regression ? engine::concat(value) : task.label_name(static_cast<int64_t>(value));
  };
  std::string text = "split\tindex\tlabel\tprediction";
  if (!task.regression)
    for (const std::string& label : task.labels) text += "\tp_" + label;
  text += '\n';
  for (const auto& [split_name, p] : predictions) {
    const data::EncodedSplit& split = session.splits.at(split_name);
    for (int64_t i = 0; i < split.size(); ++i) {
      const auto at = static_cast<size_t>(i);
      text += split_name + '\t' + std::to_string(split.example_ids()[at]) + '\t';
      if (split.labelled()) text += name(split.labels()[at]);
      text += '\t' + name(p.predicted[at]);
      if (!task.regression)
        for (int c = 0; c < p.num_labels; ++c) {
          char number[32];
          std::snprintf(number, sizeof number, "\t%.6f",
                        p.outputs[at * static_cast<size_t>(p.num_labels) + static_cast<size_t>(c)]);
          text += number;
        }
      text += '\n';
    }
  }
  engine::write_file_atomically(file, text);
}

}  // namespace run
