#include "run/latency.h"

#include <algorithm>

#include "data/batcher.h"
#include "engine/base/timer.h"
#include "engine/nn/linear.h"

namespace run {
namespace {

constexpr int64_t kMostExamples = 50;
constexpr double kMostSeconds = 1;

// Milliseconds of each of the first `examples` texts, or of as many as there is time for.
std::vector<double> times(Session& s, engine::Workspace& workspace, const data::EncodedSplit& split,
                          int64_t examples) {
  std::vector<double> out;
  engine::GraphOptions options;
  options.record = false;
  const engine::Timer all;
  data::EvalBatches batches(split, 1, data::EvalBatches::Order::as_given);
  for (engine::TokenBatch batch; batches.next(batch);) {
    const bool first = out.empty();  // is computed once before, to fill caches and pools
    for (int again = first ? 1 : 0; again >= 0; --again) {
      const engine::Timer timer;
      engine::Graph g(workspace, options);
      s.task->outputs(g, *s.model, batch);
      if (again == 0) out.push_back(1e3 * timer.seconds());
    }
    const auto done = static_cast<int64_t>(out.size());
    if (done == examples || (done >= 3 && all.seconds() >= kMostSeconds)) break;
  }
  return out;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Latency measure_latency(Session& session, engine::Workspace& workspace) {
  const auto dev = session.dev_splits();
  const data::EncodedSplit& split = session.splits.at(dev.empty() ? "train" : dev.front());
  std::vector<double> plain = times(session, workspace, split, kMostExamples);
  Latency out{.examples = static_cast<int64_t>(plain.size()), .milliseconds = median(plain)};
  const bool injected =
      std::any_of(session.store->all().begin(), session.store->all().end(),
                  [](const engine::Parameter* p) { return p->role == engine::Role::injected; });
  // Merging widens weights that are held as BF16: neither their memory nor their time would be
  // those of a merged model.
  if (session.store->precision() != engine::Precision::fp32) return out;
  if (!injected || !session.strategy->why_not_mergeable().empty()) return out;
  session.strategy->merge(*session.store);
  engine::remove_merged_hooks(session.sites);
  out.merged = median(times(session, workspace, split, out.examples));
  return out;
}

}  // namespace run
