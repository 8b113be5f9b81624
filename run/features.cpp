#include "run/features.h"

#include <algorithm>

#include "data/batcher.h"

namespace run {

using engine::Scalar;
using engine::Tensor;

void Features::check_strategy() const {
  engine::check(session_.task->head() == models::HeadKind::classification, "--cache-features",
                "keeps one row an example, and this kind of task reads every word",
                engine::hint("leave --cache-features out"));
  for (const engine::Parameter* p : session_.store->trainable())
    engine::check(p->role == engine::Role::head || p->role == engine::Role::pooler,
                  "--cache-features", "the strategy ", session_.strategy->spec(), " trains ",
                  p->name, ", so the encoder's output changes with every update",
                  engine::hint("it is for --strategy frozen; leave --cache-features out"));
}

void Features::compute(engine::Workspace& workspace, int batch_size,
                       const std::function<bool(int64_t, int64_t)>& progress) {
  const auto hidden = static_cast<size_t>(session_.model->config().facts.hidden);
  int64_t all = 0, done = 0;
  for (const auto& [name, split] : session_.splits) all += split.size();
  for (const auto& [name, split] : session_.splits) {
    std::vector<Scalar>& to = kept_[name];
    to.resize(static_cast<size_t>(split.size()) * hidden);
    data::EvalBatches batches(split, batch_size, data::EvalBatches::Order::by_length);
    for (engine::TokenBatch batch; batches.next(batch);) {
      engine::check(progress(done, all), "--cache-features", "stopped");
      engine::Graph g(workspace, {.record = false});
      const Tensor first = session_.model->encode_first(g, batch);
      for (int64_t i = 0; i < first.rows(); ++i)
        std::copy_n(
            first.row(i), hidden,
            to.data() + static_cast<size_t>(batch.examples[static_cast<size_t>(i)]) * hidden);
      done += batch.sequences();
    }
  }
  progress(done, all);
}

Tensor Features::rows(engine::Graph& g, const std::string& split,
                      const engine::TokenBatch& batch) const {
  const std::vector<Scalar>& from = kept_.at(split);
  const int64_t hidden = session_.model->config().facts.hidden;
  Tensor x = g.make({batch.sequences(), hidden});
  for (int64_t i = 0; i < x.rows(); ++i)
    std::copy_n(from.data() + batch.examples[static_cast<size_t>(i)] * hidden, hidden, x.row(i));
  return x;
}

int64_t Features::bytes() const {
  int64_t n = 0;
  for (const auto& [name, rows] : kept_) n += static_cast<int64_t>(rows.size() * sizeof(Scalar));
  return n;
}

}  // namespace run
