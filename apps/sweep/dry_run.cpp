#include "apps/sweep/dry_run.h"

#include <algorithm>
#include <map>
#include <optional>

#include "apps/common/format.h"
#include "apps/common/table.h"
#include "apps/finetune/command.h"
#include "engine/base/timer.h"
#include "engine/tensor/gemm.h"
#include "run/plan.h"
#include "run/session.h"
#include "run/sweep/schedule.h"

namespace apps {
namespace {

struct Data {
  int64_t examples = 0, tokens = 0, evaluated = 0;  // evaluated: tokens of the other splits
  engine::Json config;
};

struct Cost {
  double flops = 0, memory = 0;
  std::string problem;
};

run::FinetuneSettings settings_of(const run::SweepRun& r) {
  std::vector<std::string> flags = r.flags();
  std::vector<const char*> argv = {"sweep"};
  for (const std::string& flag : flags) argv.push_back(flag.c_str());
  return parse_finetune(static_cast<int>(argv.size()), argv.data()).settings;
}

Data open_data(const run::FinetuneSettings& settings) {
  const run::Session session = run::open_session(settings);
  Data data;
  data.config = session.source.config.to_json();
  for (const auto& [name, split] : session.splits) {
    if (name != "train") data.evaluated += split.tokens();
    if (name != "train") continue;
    data.examples = split.size();
    data.tokens = split.tokens();
  }
  return data;
}

Cost cost_of(const run::FinetuneSettings& s, const Data& data) {
  run::PlanOptions options;
  options.batch = s.batch_size;
  options.length = std::max<int64_t>(1, data.tokens / std::max<int64_t>(1, data.examples));
  options.piece_tokens = s.piece_tokens;
  options.dropout = s.dropout != 0;
  const run::Plan plan =
      run::make_plan(data.config, s.strategy.empty() ? "full" : s.strategy, options);
  if (!plan.error.empty()) return {0, 0, plan.error};
  const double steps = s.max_steps > 0 ? static_cast<double>(s.max_steps) * s.grad_accumulation
                                       : static_cast<double>(s.epochs) *
                                             static_cast<double>(data.examples) / s.batch_size;
  const double a_token = plan.forward.flops / static_cast<double>(options.batch * options.length);
  const double evaluations = s.max_steps > 0 ? 1 : s.epochs;
  return {steps * plan.flops() + evaluations * a_token * static_cast<double>(data.evaluated),
          static_cast<double>(plan.memory_bytes()), ""};
}

// FLOPs a second of a feed-forward layer's product, measured for a tenth of a second.
double measured_speed() {
  constexpr int64_t m = 1024, k = 384, n = 1536;
  const std::vector<engine::Scalar> a(m * k, 0.5f), b(k * n, 0.5f);
  std::vector<engine::Scalar> c(m * n);
  const engine::MatrixRef left(a.data(), m, k, k), right(b.data(), k, n, n);
  engine::gemm(false, false, left, right, 0, c.data());  // the first one warms up
  const engine::Timer timer;
  int64_t products = 0;
  for (; timer.seconds() < 0.1; ++products) engine::gemm(false, false, left, right, 0, c.data());
  return static_cast<double>(products) * 2.0 * m * k * n / timer.seconds();
}

// Of finished runs: FLOPs a second of their whole time.
std::optional<double> finished_speed(const std::vector<run::RunState>& states) {
  double flops = 0, seconds = 0;
  for (const run::RunState& state : states)
    if (state.status == run::RunState::Status::finished && state.flops && state.seconds) {
      flops += *state.flops;
      seconds += *state.seconds;
    }
  if (seconds <= 0 || flops <= 0) return std::nullopt;
  return flops / seconds;
}

// What a whole run reaches of the speed of its products alone (docs/performance.md).
constexpr double kOfProducts = 0.6;

}  // namespace

std::string sweep_table(const run::SweepPlan& plan, const std::vector<run::RunState>& states,
                        int width) {
  const auto finished = finished_speed(states);
  const double speed = finished ? *finished : kOfProducts * measured_speed();
  std::map<std::string, Data> data;  // by model and data
  std::map<std::string, Cost> costs;
  Table table({{"run", Align::left, Fit::wrap},
               {"state", Align::left},
               {"time", Align::right},
               {"memory", Align::right},
               {"", Align::left, Fit::cut, 1}});
  double total = 0, most = 0;
  size_t left = 0;
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    const run::SweepRun& r = plan.runs[i];
    static const char* const names[] = {"to do", "to resume", "finished", "failed"};
    std::string problem = states[i].message.substr(0, states[i].message.find('\n'));
    std::string time = "-", memory = "-";
    if (states[i].status == run::RunState::Status::finished) {
      if (states[i].seconds) time = format_seconds(*states[i].seconds);
    } else {
      const run::FinetuneSettings settings = settings_of(r);
      if (!costs.contains(r.cell)) {
        Cost cost;
        try {
          const std::string key = engine::json_text(
              engine::Json{settings.model, settings.tokenizer, settings.task, settings.data,
                           settings.train, settings.dev, settings.test, settings.max_length});
          if (!data.contains(key)) data[key] = open_data(settings);
          cost = cost_of(settings, data[key]);
        } catch (const engine::Error& e) {
          cost.problem = std::string(e.what()).substr(0, std::string(e.what()).find('\n'));
        }
        costs[r.cell] = cost;
      }
      const Cost& cost = costs[r.cell];
      if (problem.empty()) problem = cost.problem;
      const auto known = run::predicted_seconds(plan, states, i);
      const double seconds = known ? *known : cost.flops / speed;
      if (cost.problem.empty()) {
        time = format_seconds(seconds);
        memory = format_bytes(cost.memory);
        most = std::max(most, cost.memory);
        if (states[i].status != run::RunState::Status::failed) total += seconds;
      }
      if (states[i].status != run::RunState::Status::failed) ++left;
    }
    table.add({r.name, names[static_cast<int>(states[i].status)], time, memory, problem});
  }
  return table.text(width) + format_count(static_cast<int64_t>(left)) + " of " +
         format_count(static_cast<int64_t>(plan.runs.size())) + " runs to do: about " +
         format_seconds(total) + " for one worker, at most " + format_bytes(most) +
         " of memory each\ntimes are from " +
         (finished ? "finished runs" : "a product that was timed now") +
         ", by the mean length of a text\n";
}

}  // namespace apps
