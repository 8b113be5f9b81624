#include "bench/step.h"

#include <algorithm>
#include <numeric>

#include "apps/common/format.h"
#include "apps/common/table.h"
#include "bench/machine.h"
#include "bench/shapes.h"
#include "engine/base/peak.h"
#include "engine/base/philox.h"
#include "engine/base/threads.h"
#include "engine/base/timer.h"
#include "engine/optim/adamw.h"
#include "engine/train/trainer.h"
#include "models/pretrained.h"
#include "peft/strategy.h"

namespace bench {
namespace {

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

engine::TokenBatch random_batch(const std::vector<int>& lengths, const models::ModelConfig& config,
                                uint64_t key) {
  engine::TokenBatch batch;
  engine::Random random(1, key);
  for (const int length : lengths) {
    engine::check(length <= config.longest_sequence(), "bench", "a length of ", length,
                  " does not fit the model's ", config.longest_sequence(), " positions");
    for (int i = 0; i < length; ++i)
      batch.ids.push_back(
          static_cast<int32_t>(random.below(static_cast<uint64_t>(config.facts.vocab))));
    batch.segments.add(length);
    batch.labels.push_back(
        static_cast<double>(random.below(static_cast<uint64_t>(config.num_labels))));
    batch.examples.push_back(static_cast<int64_t>(batch.examples.size()));
  }
  batch.types.assign(batch.ids.size(), 0);
  return batch;
}

// By step.
engine::Counters mean(engine::Counters sum, int steps) {
  for (const engine::Work work : {engine::Work::forward, engine::Work::input_gradient,
                                  engine::Work::weight_gradient, engine::Work::recomputed}) {
    sum.of(work).calls /= steps;
    sum.of(work).flops /= steps;
  }
  sum.saved_bytes /= steps;
  sum.tokens /= steps;
  sum.steps /= steps;
  return sum;
}

}  // namespace

struct StepRunner::Parts {
  StepCase c;
  int threads;
  int64_t resident_before;
  std::vector<std::vector<int>> lengths;
  engine::Workspace workspace;  // before all that holds tensors
  models::ModelSource source;
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<peft::Strategy> strategy;
  engine::Sites sites;
  std::unique_ptr<engine::ParameterStore> store;
  std::unique_ptr<engine::AdamW> optimizer;
  engine::Schedule schedule{"constant", 1};
  std::unique_ptr<engine::Trainer> trainer;
  std::vector<engine::TokenBatch> batches;
  size_t next = 0;
};

StepRunner::StepRunner(const StepCase& c) : p_(std::make_unique<Parts>()) {
  Parts& p = *p_;
  p.c = c;
  p.threads = engine::set_threads(c.threads);
  p.resident_before = resident_bytes();
  p.lengths = batch_lengths(c.lengths, c.batch, c.batches);
  engine::set_precision(c.precision);
  p.source = models::open_model(model_spec(c.model));
  p.source.config.set_dropout(c.dropout);
  p.model = std::make_unique<models::SequenceClassifier>(p.source.config);
  if (c.piece_tokens == engine::kPiecesByWidth)
    p.c.piece_tokens = engine::default_piece_tokens(*p.model);
  p.strategy = peft::make_strategy(c.strategy);
  p.sites = p.model->sites();
  peft::apply(*p.strategy, p.sites, *p.model);
  p.store = std::make_unique<engine::ParameterStore>(*p.model);
  p.store->allocate();
  models::load_weights(p.source, *p.store, 1, true);
  p.optimizer =
      std::make_unique<engine::AdamW>(p.store->block(), engine::AdamWOptions{.weight_decay = 0.01});
  // As late in a long run, when every row of a table got a gradient at some time: AdamW would leave
  // out those that these few batches lack.
  for (const auto& [name, values] : p.optimizer->state())
    std::fill(values.begin(), values.end(), engine::Scalar(1e-8));
  p.trainer = std::make_unique<engine::Trainer>(
      p.workspace, *p.store, *p.optimizer, p.schedule,
      engine::TrainerOptions{.lr = 1e-4,
                             .max_grad_norm = c.clip,
                             .piece_tokens = p.c.piece_tokens,
                             .dropout = c.dropout > 0},
      [&model = *p.model](engine::Graph& g, const engine::TokenBatch& batch) {
        return model.loss(g, model.logits(g, batch), batch);
      });
  for (size_t i = 0; i < p.lengths.size(); ++i)
    p.batches.push_back(random_batch(p.lengths[i], p.source.config, i));
}
StepRunner::~StepRunner() = default;
StepRunner::StepRunner(StepRunner&&) noexcept = default;

StepTime StepRunner::step(engine::OpListener* listener) {
  Parts& p = *p_;
  p.trainer->set_listener(listener);
  const engine::Timer whole;
  const engine::Update u = p.trainer->update([&p](engine::TokenBatch& batch) {
    batch = p.batches[p.next++ % p.batches.size()];
    return true;
  });
  return {.forward = u.forward_seconds,
          .backward = u.backward_seconds,
          .optimizer = u.optimizer_seconds,
          .whole = whole.seconds(),
          .tokens = u.tokens,
          .unwritten = u.unwritten};
}

const std::vector<std::vector<int>>& StepRunner::lengths() const { return p_->lengths; }
int64_t StepRunner::piece_tokens() const { return p_->c.piece_tokens; }
int64_t StepRunner::trained_parameters() const { return p_->store->trainable_count(); }
int64_t StepRunner::weight_bytes() const { return p_->store->held_bytes(); }
int64_t StepRunner::total_parameters() const { return p_->store->total_count(); }
int StepRunner::threads() const { return p_->threads; }
int64_t StepRunner::resident_before() const { return p_->resident_before; }
const engine::Pool& StepRunner::pool() const { return p_->workspace.pool; }
void StepRunner::reset_pool_peak() { p_->workspace.pool.reset_peak(); }

void StepRunner::save(const std::filesystem::path& folder) const {
  models::save_classifier(folder, *p_->model, *p_->store);
}

engine::Json StepRunner::shape() const {
  const models::Facts& m = p_->source.config.facts;
  return {{"type", m.model_type}, {"layers", m.layers},
          {"hidden", m.hidden},   {"heads", m.heads},
          {"ffn", m.ffn},         {"embedding", m.embedding},
          {"vocab", m.vocab},     {"positions", p_->source.config.json["max_position_embeddings"]},
          {"types", m.types},     {"labels", p_->source.config.num_labels}};
}

StepResult run_step(const StepCase& c) {
  reset_peak_resident();
  StepRunner runner(c);
  StepResult r;
  r.threads = runner.threads();
  r.piece_tokens = runner.piece_tokens();
  r.weight_bytes = runner.weight_bytes();
  r.trained_parameters = runner.trained_parameters();
  r.resident_before = runner.resident_before();
  std::vector<double> step, forward, backward, update;
  int64_t allocations = 0, tokens = 0;
  for (int i = 0; i < std::max(c.warmup, c.batches); ++i)
    runner.step();  // every batch once: then all shapes are known
  allocations = runner.pool().system_allocations();
  runner.reset_pool_peak();
  for (int i = 0; i < c.steps; ++i) {
    r.peak_gflops = std::max(r.peak_gflops, engine::measure_peak_gflops(r.threads, 0.02));
    const StepTime t = runner.step();
    step.push_back(t.whole * 1e3);
    forward.push_back(t.forward * 1e3);
    backward.push_back(t.backward * 1e3);
    update.push_back(t.optimizer * 1e3);
    tokens += t.tokens;
    r.unwritten_gradients += t.unwritten;
  }
  r.tokens = tokens / c.steps;
  r.step_ms = c.batches > 1 ? std::accumulate(step.begin(), step.end(), 0.0) / c.steps
                            : median(step);  // lengths differ: the mean
  r.fastest_ms = *std::min_element(step.begin(), step.end());
  r.slowest_ms = *std::max_element(step.begin(), step.end());
  r.forward_ms = median(forward);
  r.backward_ms = median(backward);
  r.optimizer_ms = median(update);
  r.warm_system_allocations = runner.pool().system_allocations() - allocations;
  r.tensor_bytes_peak = runner.pool().peak_bytes();
  r.tensor_bytes_touched = runner.pool().touched_bytes();
  r.resident_peak = peak_resident_bytes();

  engine::Profile profile;
  r.profiled = c.profiled;
  for (int i = 0; i < c.profiled; ++i) {
    profile.begin_step();
    profile.other("optimizer", runner.step(&profile).optimizer);
  }
  r.ops = profile.lines();
  const engine::Counters before = engine::counters();
  for (int i = 0; i < c.batches; ++i) runner.step();
  r.work = mean(engine::counters().since(before), c.batches);
  return r;
}

engine::Json StepResult::to_json(const StepCase& c) const {
  engine::Json by_op = engine::Json::array();
  const double each = profiled > 0 ? 1.0 / profiled : 0;
  for (const auto& line : ops)
    by_op.push_back({{"op", line.op},
                     {"calls", line.calls / std::max(1, profiled)},
                     {"forward_ms", line.forward_seconds * 1e3 * each},
                     {"backward_ms", line.backward_seconds * 1e3 * each},
                     {"saved_bytes", line.saved_bytes / std::max(1, profiled)}});
  return {{"model", c.model},
          {"strategy", c.strategy},
          {"batch", c.batch},
          {"lengths", c.lengths},
          {"tokens", tokens},
          {"piece_tokens", piece_tokens},
          {"threads", threads},
          {"dropout", c.dropout},
          {"precision", engine::precision_name(c.precision)},
          {"step_ms", step_ms},
          {"fastest_ms", fastest_ms},
          {"slowest_ms", slowest_ms},
          {"forward_ms", forward_ms},
          {"backward_ms", backward_ms},
          {"optimizer_ms", optimizer_ms},
          {"tokens_per_second", tokens_per_second()},
          {"gflops", gflops()},
          {"peak_gflops", peak_gflops},
          {"share_of_peak", share_of_peak()},
          {"gemm_calls", work.gemms()},
          {"gemm_flops", work.flops()},
          {"needed_flops", work.needed_flops()},
          {"needed_share_of_peak", needed_share_of_peak()},
          {"weight_gradient_flops", work.weight_gradient.flops},
          {"saved_bytes", work.saved_bytes},
          {"tensor_bytes_peak", tensor_bytes_peak},
          {"tensor_bytes_touched", tensor_bytes_touched},
          {"weight_bytes", weight_bytes},
          {"trained_parameters", trained_parameters},
          {"resident_peak", resident_peak},
          {"resident_above_weights", resident_above_weights()},
          {"warm_system_allocations", warm_system_allocations},
          {"unwritten_gradients", unwritten_gradients},
          {"ops", by_op}};
}

std::string profile_table(const StepResult& r) {
  using apps::Align;
  apps::Table table({{"op"},
                     {"calls", Align::right},
                     {"forward ms", Align::right},
                     {"backward ms", Align::right},
                     {"share", Align::right},
                     {"saved", Align::right}});
  const double steps = std::max(1, r.profiled);
  double all = 0;
  for (const auto& line : r.ops) all += line.forward_seconds + line.backward_seconds;
  for (const auto& line : r.ops)
    table.add({line.op, apps::format_count(line.calls / std::max(1, r.profiled)),
               apps::format_number(line.forward_seconds * 1e3 / steps, 2),
               apps::format_number(line.backward_seconds * 1e3 / steps, 2),
               apps::format_percent(100 * (line.forward_seconds + line.backward_seconds) / all),
               apps::format_bytes(static_cast<double>(line.saved_bytes) / steps)});
  return table.text();
}

}  // namespace bench
