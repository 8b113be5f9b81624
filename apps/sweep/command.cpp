#include "apps/sweep/command.h"

#include <iostream>
#include <sstream>

#include "apps/common/command_line.h"
#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/signals.h"
#include "apps/common/table.h"
#include "apps/finetune/command.h"
#include "apps/sweep/dry_run.h"
#include "apps/sweep/process.h"
#include "engine/base/number.h"
#include "engine/io/json_parse.h"
#include "run/sweep/worker.h"

namespace apps {
namespace {

using engine::Json;

struct Flags {
  std::string plan, strategies, lrs, seeds, out, shard, budget;
  std::vector<std::string> models, tasks, set;
  std::string data;
  int epochs = 0;
  bool dry_run = false, retry_failed = false;
};

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

template <class T>
T number(const std::string& flag, const std::string& text) {
  if (const auto value = engine::to_number<T>(text)) return *value;
  throw UsageError("--" + flag + ": '" + text + "' is not " +
                   (std::is_integral_v<T> ? "a whole number" : "a number"));
}

// "8h", "90m", "1h30m", "45s".
double duration(const std::string& text) {
  double seconds = 0;
  std::string digits;
  for (const char ch : text) {
    const double unit = ch == 'h' ? 3600 : ch == 'm' ? 60 : ch == 's' ? 1 : 0;
    if (unit == 0) {
      digits += ch;
      continue;
    }
    seconds += unit * number<double>("time-budget", digits);
    digits.clear();
  }
  if (!digits.empty() || !(seconds > 0))
    throw UsageError("--time-budget " + text +
                     ": expected a time\nhint: for instance 8h, 90m, 1h30m");
  return seconds;
}

// key=value of --set: a number, true or false where it reads as one.
void set(Json& settings, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw UsageError("--set " + text + ": expected KEY=VALUE, for instance batch_size=16");
  std::string key = text.substr(0, equals);
  std::replace(key.begin(), key.end(), '-', '_');
  const std::string value = text.substr(equals + 1);
  const auto parsed = engine::json_detail::parse_if_json<Json>(value);
  settings[key] = parsed.is_number() || parsed.is_boolean() ? parsed : Json(value);
}

Json plan_of(const Flags& f) {
  Json settings = Json::object();
  if (!f.data.empty()) settings["data"] = f.data;
  if (f.epochs > 0) settings["epochs"] = f.epochs;
  for (const std::string& one : f.set) set(settings, one);
  Json plan = {{"models", f.models}, {"tasks", Json::array()}};
  for (const std::string& task : f.tasks)
    for (const std::string& word : words(task)) plan["tasks"].push_back(word);
  plan["strategies"] = words(f.strategies);
  if (!f.lrs.empty()) plan["lr"] = Json::array();
  for (const std::string& lr : words(f.lrs)) plan["lr"].push_back(number<double>("lrs", lr));
  if (!f.seeds.empty()) plan["seeds"] = Json::array();
  for (const std::string& seed : words(f.seeds))
    plan["seeds"].push_back(number<int64_t>("seeds", seed));
  plan["settings"] = settings;
  return plan;
}

// The plan of the command line, of a file, or of the folder that is gone on with.
run::SweepPlan choose_plan(const Flags& f) {
  const std::filesystem::path kept = std::filesystem::path(f.out) / "sweep.json";
  const bool options = !f.models.empty() || !f.tasks.empty() || !f.strategies.empty();
  if (!f.plan.empty() && options)
    throw UsageError("sweep: --plan and --model, --task or --strategies exclude each other");
  if (!f.plan.empty()) return run::read_plan(engine::json_file(f.plan), f.plan);
  if (options) {
    if (f.models.empty() || f.tasks.empty() || f.strategies.empty())
      throw UsageError(
          "sweep: --model, --task and --strategies are needed, or --plan\nhint: peft sweep --help "
          "shows all flags");
    return run::read_plan(plan_of(f), "the command line");
  }
  if (!std::filesystem::exists(kept))
    throw UsageError("sweep: no plan\nhint: give --plan FILE, or --model, --task and --strategies");
  const std::string where = kept.string();
  return run::read_plan(engine::get<Json>(engine::json_file(kept), "plan", where), where);
}

// Every run's flags are read before the first is begun.
void check_runs(const run::SweepPlan& plan) {
  for (const run::SweepRun& r : plan.runs) {
    try {
      const std::vector<std::string> flags = r.flags();
      std::vector<const char*> argv = {"sweep"};
      for (const std::string& flag : flags) argv.push_back(flag.c_str());
      parse_finetune(static_cast<int>(argv.size()), argv.data()).settings.check();
    } catch (const engine::Error& e) {
      throw UsageError("sweep, " + r.name + ": " + e.what());
    }
  }
}

void read_shard(const std::string& text, run::SweepOptions& options) {
  if (text.empty()) return;
  const size_t slash = text.find('/');
  if (slash == std::string::npos)
    throw UsageError("--shard " + text + ": expected K/N, for instance 2/8; the first is 0");
  options.shard = number<int>("shard", text.substr(0, slash));
  options.shards = number<int>("shard", text.substr(slash + 1));
}

class Terminal : public run::SweepWatcher {
 public:
  bool stop() override { return stop_requested(); }
  void started(const run::SweepRun& r, bool resumed, size_t left,
               std::optional<double> seconds) override {
    std::cout << r.name << (resumed ? ": resumed" : ": begun") << "; " << left << " more";
    if (seconds) std::cout << ", about " << format_seconds(*seconds) << " with this one";
    std::cout << std::endl;
  }
  void ended(const run::SweepRun& r, const run::RunState& state) override {
    using Status = run::RunState::Status;
    std::cout << r.name;
    if (state.status == Status::finished) {
      std::cout << ": finished";
      if (state.score) std::cout << ", dev " << format_number(100 * *state.score, 2);
      if (state.seconds) std::cout << ", " << format_seconds(*state.seconds);
    } else if (state.status == Status::failed) {
      std::cout << ": failed: " << state.message.substr(0, state.message.find('\n'));
    } else {
      std::cout << ": stopped, to be resumed";
    }
    std::cout << std::endl;
  }
  void waiting() override { std::cout << "other workers have what is left; waiting" << std::endl; }
};

std::string summary(const run::SweepPlan& plan, const run::SweepResult& result) {
  using Status = run::RunState::Status;
  size_t finished = 0, failed = 0;
  std::string failures;
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    finished += result.states[i].status == Status::finished;
    if (result.states[i].status != Status::failed) continue;
    ++failed;
    failures += "  " + plan.runs[i].name + ": " +
                result.states[i].message.substr(0, result.states[i].message.find('\n')) + "\n";
  }
  std::string out = engine::concat(finished, " of ", plan.runs.size(), " runs finished");
  if (failed > 0) out += engine::concat(", ", failed, " failed");
  if (!result.schedule.dropped.empty())
    out += engine::concat(", ", result.schedule.dropped.size(), " dropped (a worse rate)");
  if (!result.schedule.queue.empty())
    out += engine::concat(", ", result.schedule.queue.size(), " left");
  if (result.end == run::SweepEnd::out_of_time) out += "; the time is spent";
  return out + "\n" + failures;
}

}  // namespace

int sweep_command(int argc, const char* const* argv) {
  Flags f;
  CommandLine line(
      "peft sweep",
      "Fine-tunes models x tasks x strategies x rates x seeds: what is finished is never "
      "run again, what was interrupted is resumed, what fails is recorded.",
      {"Plan", "Run"});
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  const auto list = [](std::vector<std::string>& into) {
    return cxxopts::value<std::vector<std::string>>(into);
  };
  auto plan_flags = line.options.add_options("Plan");
  plan_flags("plan",
             "JSON file with models, tasks, strategies, lr, seeds, settings (docs/sweep.md)",
             text(f.plan), "FILE");
  plan_flags("model", "instead of a plan: a model; may be given several times", list(f.models),
             "MODEL");
  plan_flags("task", "GLUE tasks, with spaces between them", list(f.tasks), "NAMES");
  plan_flags("data", "folder of GLUE (downloaded once)", text(f.data), "DIR");
  plan_flags("strategies", "strategies, with spaces between them", text(f.strategies), "SPECS");
  plan_flags("lrs", "learning rates for all of them (each strategy's own)", text(f.lrs), "RATES");
  plan_flags("seeds", "seeds (1)", text(f.seeds), "NUMBERS");
  plan_flags("epochs", "passes over the training data (3)", number_flag(f.epochs), "N");
  plan_flags("set", "another flag of finetune, KEY=VALUE; may be given several times", list(f.set),
             "K=V");
  auto run_flags = line.options.add_options("Run");
  run_flags("out", "folder of the runs (sweep)", text(f.out), "DIR");
  run_flags("time-budget", "stop after this time, and drop rates that are worse: 8h, 90m",
            text(f.budget), "TIME");
  run_flags("shard", "only the runs of worker K of N, from 0: for jobs without a shared lock",
            text(f.shard), "K/N");
  run_flags("retry-failed", "run what has failed again", cxxopts::value<bool>(f.retry_failed));
  run_flags("dry-run", "list the runs with hours and memory; train nothing",
            cxxopts::value<bool>(f.dry_run));
  if (argc == 1) {
    std::cout << "usage: peft sweep --model MODEL --task NAMES [--data DIR] --strategies SPECS "
                 "--out DIR\n"
                 "       peft sweep --plan FILE --out DIR\n"
                 "peft sweep --help explains all flags.\n";
    return 2;
  }
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  if (f.out.empty()) f.out = "sweep";

  const run::SweepPlan plan = choose_plan(f);
  check_runs(plan);
  run::SweepOptions options;
  read_shard(f.shard, options);
  if (!f.budget.empty()) options.budget = duration(f.budget);
  options.retry_failed = f.retry_failed;
  if (f.dry_run) {
    std::vector<run::RunState> states(plan.runs.size());
    if (std::filesystem::exists(f.out)) states = run::read_states(plan, run::SweepFolder(f.out));
    std::cout << sweep_table(plan, states, terminal_width());
    return 0;
  }
  watch_stop_signals();
  const std::vector<std::string> program = {own_program(), "finetune"};
  options.launch = [&](const std::vector<std::string>& flags, const std::filesystem::path& log,
                       const run::Claim& claim) { return launch(program, flags, log, claim); };
  const run::SweepFolder folder(f.out);
  Terminal terminal;
  const run::SweepResult result = run::work(plan, folder, options, terminal);
  std::cout << summary(plan, result) << "peft compare " << f.out << " shows the results\n";
  if (result.end == run::SweepEnd::stopped) return stop_requested() ? stop_exit_code() : 1;
  for (const run::RunState& state : result.states)
    if (state.status == run::RunState::Status::failed) return 1;
  return 0;
}

}  // namespace apps
