#include "apps/compare/runs.h"

#include <algorithm>
#include <set>

#include "apps/common/main_guard.h"
#include "engine/io/mapped_file.h"

namespace apps {

namespace fs = std::filesystem;
using engine::Json;

namespace {

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

// The score of the development set; the mean over both of MNLI's.
std::optional<double> score_of(const Json& record) {
  const Json* metrics = field(record, {"metrics"});
  if (!metrics || !metrics->is_object()) return std::nullopt;
  double sum = 0;
  int count = 0;
  for (const auto& [split, values] : metrics->items()) {
    if (!split.starts_with("dev")) continue;
    auto score = number(values, {"score"});
    if (!score) score = number(values, {"accuracy"});
    if (!score) continue;
    sum += *score;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

// Settings that do not touch the numbers, or that the group is named by anyway.
bool counts_for_nothing(const std::string& key) {
  static const std::set<std::string> ignored = {
      "seed",       "out",      "threads",   "log_every",       "save_every", "profile",
      "resume",     "task",     "data",      "train",           "dev",        "test",
      "model",      "strategy", "tokenizer", "eval_batch_size", "json",       "piece_tokens",
      "model_hash", "data_hash"};  // these two are compared by experiment()
  return ignored.contains(key);
}

std::string setting_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : engine::json_text(value);
}

Json counted_settings(const Run& run) {
  Json out = Json::object();
  for (const auto& [key, value] : run.settings.items())
    if (!counts_for_nothing(key)) out[key] = value;
  return out;
}

std::string family(const Run& run) {
  return run.task + '\n' + run.model + '\n' + (run.spec.empty() ? run.strategy : run.spec);
}

std::string experiment(const Run& run) {
  return family(run) + '\n' + run.data_hash + '\n' + run.model_hash + '\n' +
         engine::json_text(counted_settings(run));
}

fs::file_time_type written(const Run& run) {
  std::error_code ignored;
  return fs::last_write_time(run.folder / "run.json", ignored);
}

Group group_of(std::vector<Run> runs) {
  Group group;
  group.runs = std::move(runs);
  std::stable_sort(group.runs.begin(), group.runs.end(),
                   [](const Run& a, const Run& b) { return a.seed < b.seed; });
  const auto gather = [&](auto member) {
    std::vector<double> values;
    for (const Run& run : group.runs)
      if (run.*member) values.push_back(static_cast<double>(*(run.*member)));
    return statistic(values);
  };
  group.score = gather(&Run::score);
  group.seconds = gather(&Run::seconds);
  group.tokens_per_second = gather(&Run::tokens_per_second);
  group.peak_bytes = gather(&Run::peak_bytes);
  group.gemm_flops = gather(&Run::gemm_flops);
  return group;
}

// Says of each group what tells it from the others of the same task, model and strategy.
void name_differences(std::vector<Group>& groups) {
  std::map<std::string, std::vector<Group*>> families;
  for (Group& group : groups) families[family(group.first())].push_back(&group);
  for (auto& [name, members] : families) {
    if (members.size() < 2) continue;
    std::map<std::string, std::set<std::string>> values;
    Json keys = Json::object();
    for (const Group* group : members) keys.update(counted_settings(group->first()));
    for (const Group* group : members)
      for (const auto& [key, ignored] : keys.items())
        values[key].insert(group->first().settings.contains(key)
                               ? setting_text(group->first().settings[key])
                               : "-");
    for (Group* group : members) {
      for (const auto& [key, seen] : values)
        if (seen.size() > 1) {
          const Json& settings = group->first().settings;
          group->differs += (group->differs.empty() ? "" : " ") + key + "=" +
                            (settings.contains(key) ? setting_text(settings[key]) : "-");
        }
      if (group->differs.empty())
        group->differs = "other data or weights: " + group->first().folder.filename().string();
    }
  }
}

}  // namespace

double Run::percent() const {
  return trainable && total && *total > 0
             ? 100.0 * static_cast<double>(*trainable) / static_cast<double>(*total)
             : 0;
}

Run read_run(const fs::path& folder) {
  Run run;
  run.folder = folder;
  Json record;
  try {
    record = engine::json_file(folder / "run.json");
    engine::check(record.is_object(), (folder / "run.json").string(), "is not a run record");
    const std::string schema = text(record, {"schema"});
    engine::check(schema.empty() || schema.starts_with("peft.cpp/"), (folder / "run.json").string(),
                  "has the schema '", schema, "'");
  } catch (const std::exception& e) {
    run.problem = std::string(e.what()).substr(0, std::string(e.what()).find('\n'));
    if (const std::string prefix = folder.string() + "/"; run.problem.starts_with(prefix))
      run.problem.erase(0, prefix.size());
    return run;
  }
  run.task = text(record, {"task"});
  run.model = text(record, {"model", "spec"});
  if (run.model.empty()) run.model = text(record, {"settings", "model"});
  // A random model's weights change with the seed, so its hash says nothing.
  if (!run.model.starts_with("random")) run.model_hash = text(record, {"model", "hash"});
  run.data_hash = text(record, {"data", "hash"});
  run.strategy = text(record, {"strategy"});
  run.spec = text(record, {"strategy_spec"});
  if (run.spec.empty()) run.spec = run.strategy;
  if (const Json* settings = field(record, {"settings"}); settings && settings->is_object())
    run.settings = *settings;
  run.seed = whole(record, {"seed"});
  if (!run.seed) run.seed = whole(record, {"settings", "seed"});
  run.trainable = whole(record, {"trainable_parameters"});
  run.total = whole(record, {"total_parameters"});
  run.peak_bytes = whole(record, {"peak_memory_bytes"});
  run.steps = whole(record, {"steps"});
  run.score = score_of(record);
  run.seconds = number(record, {"seconds"});
  run.tokens_per_second = number(record, {"tokens_per_second"});
  run.gemm_flops = number(record, {"counts", "gemm_flops"});
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
  if (fs::is_regular_file(path, error)) {
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

const std::vector<std::string>& sort_keys() {
  static const std::vector<std::string> keys = {"strategy", "score",  "trainable",
                                                "seconds",  "memory", "flops"};
  return keys;
}

Comparison compare_runs(std::vector<Run> runs, const std::string& sort_by) {
  if (std::find(sort_keys().begin(), sort_keys().end(), sort_by) == sort_keys().end()) {
    std::string known;
    for (const std::string& key : sort_keys()) known += (known.empty() ? "" : ", ") + key;
    const std::string near = nearest(sort_by, sort_keys());
    throw UsageError(engine::concat("--sort ", sort_by, ": unknown key",
                                    near.empty() ? "" : ", did you mean " + near + "?",
                                    engine::hint("known are ", known)));
  }
  Comparison out;
  std::map<std::string, std::vector<Run>> experiments;
  for (Run& run : runs) {
    if (!run.counted()) {
      out.uncounted.push_back(std::move(run));
      continue;
    }
    std::vector<Run>& members = experiments[experiment(run)];
    const auto twin = std::find_if(members.begin(), members.end(), [&](const Run& other) {
      return other.seed && other.seed == run.seed;
    });
    if (twin == members.end()) {
      members.push_back(std::move(run));
      continue;
    }
    if (written(*twin) < written(run)) std::swap(*twin, run);
    run.problem = "the same settings and seed as " + twin->folder.string() + ", which is newer";
    out.uncounted.push_back(std::move(run));
  }
  std::set<std::string> models;
  for (auto& [key, members] : experiments) {
    models.insert(members.front().model);
    out.groups.push_back(group_of(std::move(members)));
  }
  out.several_models = models.size() > 1;
  name_differences(out.groups);
  const auto trainable = [](const Group& g) { return g.first().trainable.value_or(INT64_MAX); };
  std::stable_sort(out.groups.begin(), out.groups.end(), [&](const Group& a, const Group& b) {
    const auto rank = [&](const Group& g) {  // smaller is first; what is unknown is last
      constexpr double kLast = 1e300;
      if (sort_by == "score") return g.score ? -g.score.mean : kLast;
      if (sort_by == "seconds") return g.seconds ? g.seconds.mean : kLast;
      if (sort_by == "memory") return g.peak_bytes ? g.peak_bytes.mean : kLast;
      if (sort_by == "flops") return g.gemm_flops ? g.gemm_flops.mean : kLast;
      return static_cast<double>(trainable(g));
    };
    return std::make_tuple(a.first().task, rank(a), a.first().spec, a.differs) <
           std::make_tuple(b.first().task, rank(b), b.first().spec, b.differs);
  });
  return out;
}

}  // namespace apps
