#include "run/analyze/bias_change.h"

#include "engine/base/error.h"

namespace run {
namespace {

double mean_absolute_change(const engine::Parameter& a, const engine::Parameter& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.count(); ++i)
    sum += std::abs(static_cast<double>(a.value[i]) - static_cast<double>(b.value[i]));
  return sum / static_cast<double>(a.count());
}

}  // namespace

Grid bias_change(TrainedRun& run) {
  const engine::Sites& sites = run.after.model().sites;
  Grid grid{.title = "Mean absolute change of every bias vector",
            .unit = "mean |after - before|",
            .row_title = "bias",
            .column_title = "layer"};
  for (int layer = 0; layer < sites.layers; ++layer) grid.column(std::to_string(layer));
  const size_t mean = grid.column("mean");
  std::vector<const engine::Parameter*> outside;
  for (const engine::Parameter* p : run.after.model().store->all()) {
    if (!p->bias || !p->trainable || p->role == engine::Role::head) continue;
    if (p->layer < 0 || p->layer >= sites.layers) {
      outside.push_back(p);
      continue;
    }
    const engine::Parameter* start = run.before.store->find(p->name);
    grid.at(grid.row(kind_of(*p)), static_cast<size_t>(p->layer)) =
        mean_absolute_change(*p, *start);
  }
  for (size_t row = 0; row < grid.rows.size(); ++row) {
    double sum = 0;
    int count = 0;
    for (size_t layer = 0; layer < mean; ++layer)
      if (!std::isnan(grid.at(row, layer))) {
        sum += grid.at(row, layer);
        ++count;
      }
    grid.at(row, mean) = sum / count;
  }
  for (const engine::Parameter* p : outside)
    grid.at(grid.row(p->name), mean) = mean_absolute_change(*p, *run.before.store->find(p->name));
  engine::check(!grid.rows.empty(), "analyze biases", "no bias learned in this run (strategy ",
                run.after.model().strategy->spec(), ")",
                engine::hint("give a run of bitfit or full"));
  return grid;
}

}  // namespace run
