// One run.json: whatever it holds, the fields that can be read.
#include <algorithm>
#include <ctime>
#include <set>

#include "apps/compare/runs.h"
#include "apps/page/escape.h"

namespace apps {

namespace fs = std::filesystem;
using engine::Json;

namespace {

constexpr uintmax_t kLargestRecord = 16 << 20;

const Json* field(const Json& json, std::initializer_list<const char*> path) {
  const Json* at = &json;
  for (const char* key : path) {
    if (!at->is_object()) return nullptr;
    const auto it = at->find(key);
    if (it == at->end() || it->is_null()) return nullptr;
    at = &*it;
  }
  return at;
}

std::string text(const Json& json, std::initializer_list<const char*> path) {
  const Json* value = field(json, path);
  return value && value->is_string() ? value->get<std::string>() : "";
}

std::optional<double> number(const Json& json, std::initializer_list<const char*> path) {
  const Json* value = field(json, path);
  if (!value || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

std::optional<int64_t> whole(const Json& json, std::initializer_list<const char*> path) {
  const auto value = number(json, path);
  if (!value || !(std::abs(*value) < 9e18)) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::vector<std::string> texts(const Json* list) {
  std::vector<std::string> out;
  if (list && list->is_array())
    for (const Json& item : *list)
      if (item.is_string()) out.push_back(item.get<std::string>());
  return out;
}

// The metrics of the development set; the means over both of MNLI's.
void read_metrics_of(const Json& record, Run& run) {
  const Json* metrics = field(record, {"metrics"});
  if (!metrics || !metrics->is_object()) return;
  std::map<std::string, std::vector<double>> values;
  for (const auto& [split, of_split] : metrics->items()) {
    if (!split.starts_with("dev") || !of_split.is_object()) continue;
    for (const auto& [name, value] : of_split.items())
      if (value.is_number()) values[name].push_back(value.get<double>());
  }
  for (const auto& [name, all] : values) run.metrics[name] = statistic(all).mean;
  for (const char* name : {"score", "accuracy"})
    if (!run.score && run.metrics.contains(name)) run.score = run.metrics.at(name);
}

std::string day_of(const fs::path& file) {
  std::error_code error;
  const auto written = fs::last_write_time(file, error);
  if (error) return "";
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::file_clock::to_sys(written));
  std::tm day{};
  char out[16];
  if (!gmtime_r(&seconds, &day) || std::strftime(out, sizeof out, "%Y-%m-%d", &day) == 0) return "";
  return out;
}

// The record, or why there is none.
Json open_record(const fs::path& folder) {
  const fs::path file = folder / "run.json";
  std::error_code error;
  engine::check(fs::is_regular_file(file, error), "run.json", "is not a plain file");
  engine::check(fs::file_size(file, error) <= kLargestRecord, "run.json", "has more than ",
                kLargestRecord >> 20, " MB");
  Json record = engine::json_file(file);
  engine::check(record.is_object(), "run.json", "is not a run record");
  record = clean_json(record);
  const std::string schema = text(record, {"schema"});
  engine::check(schema.empty() || schema.starts_with("peft.cpp/"), "run.json", "has the schema '",
                schema, "'");
  return record;
}

void read_cost(const Json& record, Run::Cost& cost) {
  cost.seconds = number(record, {"seconds"});
  cost.train_seconds = number(record, {"train_seconds"});
  cost.tokens_per_second = number(record, {"tokens_per_second"});
  cost.inference_ms = number(record, {"inference", "milliseconds"});
  cost.merged_ms = number(record, {"inference", "merged_milliseconds"});
  cost.peak_bytes = whole(record, {"peak_memory_bytes"});
  cost.gemm_flops = number(record, {"counts", "gemm_flops"});
  cost.forward_flops = number(record, {"counts", "forward_flops"});
  cost.input_gradient_flops = number(record, {"counts", "input_gradient_flops"});
  cost.weight_gradient_flops = number(record, {"counts", "weight_gradient_flops"});
  cost.saved_bytes = whole(record, {"counts", "saved_bytes_peak"});
  cost.train_tokens = whole(record, {"counts", "tokens"});
}

void read_origin(const Json& record, Run& run) {
  run.machine = text(record, {"machine", "processor"});
  if (const auto threads = whole(record, {"machine", "threads"}))
    run.machine += engine::concat(run.machine.empty() ? "" : ", ", *threads,
                                  *threads == 1 ? " thread" : " threads");
  run.revision = text(record, {"git_revision"});
  run.version = text(record, {"engine_version"});
  run.blas = text(record, {"blas"});
  run.date = text(record, {"finished_at"});
  if (run.date.empty()) run.date = day_of(run.folder / "run.json");
  run.date = run.date.substr(0, 10);
  run.selection = text(record, {"selection", "kind"});
  run.notes = texts(field(record, {"notes"}));
}

void read_what(const Json& record, Run& run) {
  run.task = text(record, {"task"});
  run.model = text(record, {"model", "spec"});
  if (run.model.empty()) run.model = text(record, {"settings", "model"});
  // A random model's weights change with the seed, so its hash says nothing.
  if (!run.model.starts_with("random")) run.model_hash = text(record, {"model", "hash"});
  run.data_hash = text(record, {"data", "hash"});
  run.strategy = text(record, {"strategy"});
  run.spec = text(record, {"strategy_spec"});
  if (run.spec.empty()) run.spec = run.strategy;
  if (run.strategy.empty()) run.strategy = run.spec.substr(0, run.spec.find_first_of(":+"));
  if (const Json* settings = field(record, {"settings"}); settings && settings->is_object())
    run.settings = *settings;
  if (const Json* config = field(record, {"model", "config"})) run.config = *config;
  if (const Json* options = field(record, {"strategy_options"})) run.adapter = *options;
  run.metric_names = texts(field(record, {"task_info", "metrics"}));
  run.seed = whole(record, {"seed"});
  if (!run.seed) run.seed = whole(record, {"settings", "seed"});
  run.trainable = whole(record, {"trainable_parameters"});
  run.total = whole(record, {"total_parameters"});
  run.steps = whole(record, {"steps"});
  run.data.max_length = whole(record, {"max_length"});
  run.data.train_examples = whole(record, {"data", "train_examples"});
  run.data.train_tokens = whole(record, {"data", "splits", "train", "tokens"});
  if (const Json* splits = field(record, {"data", "splits"}); splits && splits->is_object())
    for (const auto& [name, split] : splits->items())
      if (const auto examples = whole(split, {"examples"}); examples && name.starts_with("dev"))
        run.data.dev_examples = run.data.dev_examples.value_or(0) + *examples;
}

}  // namespace

double Run::percent() const {
  return trainable && total && *total > 0
             ? 100.0 * static_cast<double>(*trainable) / static_cast<double>(*total)
             : 0;
}

std::string Run::folder_text() const { return clean_text(folder.string()); }

std::string Run::metric_text() const {
  if (metric_names.empty()) return "score";
  std::string out;
  for (size_t i = 0; i < metric_names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == metric_names.size() ? " and " : ", ") + metric_names[i];
  return metric_names.size() > 1 ? "mean of " + out : out;
}

std::optional<double> Run::learning_rate() const { return number(settings, {"lr"}); }

Run read_run(const fs::path& folder) {
  Run run;
  run.folder = folder;
  Json record;
  try {
    record = open_record(folder);
  } catch (const std::exception& e) {
    std::string what = e.what();
    if (const std::string prefix = folder.string() + "/"; what.starts_with(prefix))
      what.erase(0, prefix.size());
    run.problem = clean_text(what.substr(0, what.find('\n')));
    return run;
  }
  read_what(record, run);
  read_metrics_of(record, run);
  read_cost(record, run.cost);
  read_origin(record, run);
  const std::string status = text(record, {"status"});
  if (status == "finished") {
    run.status = Run::Status::finished;
  } else if (!status.empty()) {
    run.status = Run::Status::unfinished;
    run.problem = status == "running" ? "not finished (still running, or it was killed)" : status;
    if (run.steps) run.problem += " at step " + std::to_string(*run.steps);
    if (status != "running") run.problem += "; --resume goes on";
  } else {
    run.problem = "run.json has no status";
  }
  return run;
}

std::vector<Run> find_runs(const fs::path& path) {
  std::error_code error;
  engine::check(fs::exists(path, error), path.string(), "there is no such run folder");
  if (!fs::is_directory(path, error)) {
    engine::check(path.filename() == "run.json", path.string(), "is not a run",
                  engine::hint("give the folder that glue_finetune --out wrote"));
    return {read_run(path.has_parent_path() ? path.parent_path() : fs::path("."))};
  }
  if (fs::exists(path / "run.json", error)) return {read_run(path)};
  std::vector<fs::path> folders;
  for (auto it = fs::recursive_directory_iterator(
           path, fs::directory_options::skip_permission_denied, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error))
    if (it->path().filename() == "run.json") folders.push_back(it->path().parent_path());
  engine::check(!folders.empty(), path.string(), "no run in it",
                engine::hint("a run folder holds a run.json, written by glue_finetune --out"));
  std::sort(folders.begin(), folders.end());
  std::vector<Run> runs;
  for (const fs::path& folder : folders) runs.push_back(read_run(folder));
  return runs;
}

std::vector<Run> find_runs(const std::vector<std::string>& paths) {
  std::vector<Run> all;
  std::set<std::string> seen;
  for (const std::string& path : paths)
    for (Run& run : find_runs(fs::path(path))) {
      std::error_code ignored;
      if (seen.insert(fs::weakly_canonical(run.folder, ignored).string()).second)
        all.push_back(std::move(run));
    }
  return all;
}

}  // namespace apps
