#include <algorithm>

#include "data/tsv.h"
#include "engine/base/error.h"
#include "engine/train/metrics.h"
#include "tasks/task.h"

namespace tasks {

namespace {

std::vector<Kind>& table() {
  static std::vector<Kind> kinds = {classify_kind(), regress_kind(), multilabel_kind(), tag_kind(),
                                    language_kind()};
  return kinds;
}

}  // namespace

const std::vector<Kind>& kinds() { return table(); }

void add_kind(Kind kind) {
  std::erase_if(table(), [&](const Kind& known) { return known.name == kind.name; });
  table().push_back(std::move(kind));
}

std::unique_ptr<Task> make_task(const data::TaskInfo& info, const Options& options) {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) {
    if (kind.name == info.kind) return kind.make(info, options);
    names.push_back(kind.name);
  }
  engine::fail("task", "there is no kind '", info.kind, "'",
               engine::hint("known are ", data::listed(names)));
}

void Predictions::reserve(int64_t examples, int each) {
  width = each;
  starts.resize(static_cast<size_t>(examples) + 1);
  for (int64_t i = 0; i <= examples; ++i) starts[static_cast<size_t>(i)] = i;
  outputs.assign(static_cast<size_t>(examples * each), 0);
  predicted.assign(static_cast<size_t>(examples), 0);
}

void Task::evaluate(engine::Graph& g, const engine::Tensor& outputs,
                    const engine::TokenBatch& batch, bool labelled, Predictions& to) const {
  if (labelled) {
    const auto rows = static_cast<double>(outputs.rows());
    to.loss += static_cast<double>(plain_loss(g, outputs, batch).value()) * rows;
    to.terms += rows;
  }
  predict(outputs, batch, to);
}

engine::Json named_metrics(const data::TaskInfo& info, const Predictions& p,
                           const data::EncodedSplit& split) {
  engine::Json json = engine::Json::object();
  double sum = 0;
  for (const std::string& name : info.metrics) {
    const double value = engine::metric(name, p.predicted, split.labels());
    json[name] = value;
    sum += value;
  }
  json["score"] = info.metrics.empty() ? 0 : sum / static_cast<double>(info.metrics.size());
  json["loss"] = p.loss;
  json["examples"] = split.size();
  return json;
}

}  // namespace tasks
