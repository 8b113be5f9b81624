#include "bench/step.h"

#include <algorithm>

#include "engine/base/peak.h"
#include "engine/base/philox.h"
#include "engine/base/threads.h"
#include "engine/base/timer.h"
#include "engine/optim/adamw.h"
#include "engine/optim/clip.h"
#include "models/pretrained.h"
#include "peft/strategy.h"

namespace bench {
namespace {

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

engine::TokenBatch random_batch(const StepCase& c, const models::ModelConfig& config) {
  engine::TokenBatch batch;
  engine::Random random(1);
  for (int s = 0; s < c.batch; ++s) {
    const int length = c.lengths[static_cast<size_t>(s) % c.lengths.size()];
    engine::check(length > 0 && length <= config.longest_sequence(), "bench", "a length of ", length, " does not fit the model's ",
                  config.longest_sequence(), " positions");
    for (int i = 0; i < length; ++i) batch.ids.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(config.vocab_size))));
    batch.segments.add(length);
    batch.labels.push_back(static_cast<double>(random.below(static_cast<uint64_t>(config.num_labels))));
    batch.examples.push_back(s);
  }
  batch.types.assign(batch.ids.size(), 0);
  return batch;
}

}  // namespace

StepResult run_step(const StepCase& c) {
  StepResult r;
  r.threads = engine::set_threads(c.threads);
  models::ModelSource source = models::open_model(c.model);
  source.config.set_dropout(c.dropout);
  models::SequenceClassifier model(source.config);
  const auto strategy = peft::make_strategy(c.strategy);
  engine::Sites sites = model.sites();
  peft::apply(*strategy, sites, model);
  engine::ParameterStore store(model);
  store.allocate();
  store.initialise(1);
  engine::AdamW optimizer(store.block(), {.weight_decay = 0.01});
  engine::Workspace workspace;
  const engine::TokenBatch batch = random_batch(c, source.config);
  r.tokens = batch.tokens();
  r.weight_bytes = store.total_count() * static_cast<int64_t>(sizeof(engine::Scalar));
  r.trained_parameters = store.trainable_count();

  std::vector<double> step, forward, backward, update;
  int64_t allocations = 0;
  for (int i = 0; i < c.warmup + c.steps; ++i) {
    if (i == c.warmup) {
      allocations = workspace.pool.system_allocations();
      workspace.pool.reset_peak();
    }
    if (i >= c.warmup) r.peak_gflops = std::max(r.peak_gflops, engine::measure_peak_gflops(r.threads, 0.02));
    const engine::Counters before = engine::counters();
    const engine::Timer whole;
    engine::Timer part;
    store.clear_gradients();
    engine::GraphOptions options;
    options.dropout = c.dropout > 0;
    options.step = static_cast<uint64_t>(i);
    engine::Graph g(workspace, options);
    const engine::Tensor loss = model.loss(g, model.logits(g, batch), batch);
    const double t_forward = part.seconds();
    part.restart();
    g.backward(loss);
    const double t_backward = part.seconds();
    part.restart();
    store.settle_gradients();
    const engine::Clip clip = engine::clip_gradients(store.block(), 1.0);
    optimizer.step(1e-4, clip.scale);
    if (i < c.warmup) continue;
    step.push_back(whole.seconds() * 1e3);
    forward.push_back(t_forward * 1e3);
    backward.push_back(t_backward * 1e3);
    update.push_back(part.seconds() * 1e3);
    const engine::Counters now = engine::counters();
    for (const engine::Work work : {engine::Work::forward, engine::Work::input_gradient, engine::Work::weight_gradient}) {
      engine::Counters a = now, b = before;
      r.work.of(work) = {a.of(work).calls - b.of(work).calls, a.of(work).flops - b.of(work).flops};
    }
    r.work.saved_bytes = now.saved_bytes - before.saved_bytes;
  }
  r.step_ms = median(step);
  r.fastest_ms = *std::min_element(step.begin(), step.end());
  r.slowest_ms = *std::max_element(step.begin(), step.end());
  r.forward_ms = median(forward);
  r.backward_ms = median(backward);
  r.optimizer_ms = median(update);
  r.warm_system_allocations = workspace.pool.system_allocations() - allocations;
  r.tensor_bytes_peak = workspace.pool.peak_bytes();
  return r;
}

engine::Json StepResult::to_json(const StepCase& c) const {
  return {{"model", c.model}, {"strategy", c.strategy}, {"batch", c.batch}, {"tokens", tokens}, {"threads", threads},
          {"dropout", c.dropout}, {"step_ms", step_ms}, {"fastest_ms", fastest_ms}, {"slowest_ms", slowest_ms},
          {"forward_ms", forward_ms}, {"backward_ms", backward_ms}, {"optimizer_ms", optimizer_ms},
          {"tokens_per_second", tokens_per_second()}, {"gflops", gflops()}, {"peak_gflops", peak_gflops},
          {"share_of_peak", share_of_peak()}, {"gemm_calls", work.gemms()}, {"gemm_flops", work.flops()},
          {"weight_gradient_flops", work.weight_gradient.flops}, {"saved_bytes", work.saved_bytes},
          {"tensor_bytes_peak", tensor_bytes_peak}, {"weight_bytes", weight_bytes}, {"trained_parameters", trained_parameters},
          {"warm_system_allocations", warm_system_allocations}};
}

}  // namespace bench
