#include "run/analyze/ablation.h"

#include <algorithm>

#include "engine/base/error.h"
#include "run/evaluate.h"
#include "run/session.h"

namespace run {

Grid layer_ablation(TrainedRun& run, double& whole, int64_t examples,
                    const std::function<bool(int, int)>& progress) {
  OpenModel& open = run.after.model();
  engine::check(open.strategy->name().find("prefix") == std::string::npos, "analyze layers",
                "a prefix takes its share of every softmax whatever its values are, so no layer is "
                "as if it had none",
                engine::hint("give a run of adapter, lora, ia3, bitfit, top or full"));
  FinetuneSettings settings = run.settings;
  settings.max_train_samples = 1;
  if (examples > 0) settings.max_eval_samples = examples;
  const data::TaskData data = load_task(settings);
  std::vector<data::EncodedSplit> dev;
  for (const auto& [name, split] : data.splits)
    if (name.starts_with("dev") && split.labelled())
      dev.push_back(run.after.encode(split.examples));
  engine::check(!dev.empty(), "analyze layers", "the run's data has no dev set with labels");
  const auto score = [&] {
    double sum = 0;
    for (const data::EncodedSplit& split : dev)
      sum += engine::get<double>(run.after.task().score(run.after.predict(split), split), "score",
                                 "scores");
    return sum / static_cast<double>(dev.size());
  };
  whole = score();

  const int layers = open.sites.layers;
  Grid grid{.title = "Score without the change of a span of layers",
            .unit = "difference to the whole run",
            .row_title = "first layer",
            .column_title = "last layer"};
  for (int layer = 0; layer < layers; ++layer) grid.column(std::to_string(layer));
  for (int layer = 0; layer < layers; ++layer) grid.row(std::to_string(layer));
  const int all = layers * (layers + 1) / 2;
  int done = 0;
  const auto swap_layer = [&](int layer) {
    for (engine::Parameter* p : open.store->trainable()) {
      if (p->layer != layer || p->role == engine::Role::head) continue;
      std::swap_ranges(p->value, p->value + p->count(), run.before.store->find(p->name)->value);
    }
  };
  for (int first = 0; first < layers; ++first) {
    for (int last = first; last < layers; ++last) {
      swap_layer(last);
      grid.at(static_cast<size_t>(first), static_cast<size_t>(last)) = score() - whole;
      if (progress && !progress(++done, all)) {
        for (int layer = first; layer <= last; ++layer) swap_layer(layer);
        return grid;
      }
    }
    for (int layer = first; layer < layers; ++layer) swap_layer(layer);
  }
  return grid;
}

}  // namespace run
