// Runs put together by experiment, and what tells experiments apart.
#include <algorithm>
#include <set>

#include "apps/common/main_guard.h"
#include "apps/compare/runs.h"

namespace apps {

namespace fs = std::filesystem;
using engine::Json;

namespace {

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
  const auto gather = [&](auto value_of) {
    std::vector<double> values;
    for (const Run& run : group.runs)
      if (const auto value = value_of(run)) values.push_back(static_cast<double>(*value));
    return statistic(values);
  };
  const auto cost = [&](auto member) {
    return gather([member](const Run& run) { return run.cost.*member; });
  };
  group.score = gather([](const Run& run) { return run.score; });
  group.seconds = cost(&Run::Cost::seconds);
  group.tokens_per_second = cost(&Run::Cost::tokens_per_second);
  group.inference_ms = cost(&Run::Cost::inference_ms);
  group.merged_ms = cost(&Run::Cost::merged_ms);
  group.peak_bytes = cost(&Run::Cost::peak_bytes);
  group.saved_bytes = cost(&Run::Cost::saved_bytes);
  group.gemm_flops = cost(&Run::Cost::gemm_flops);
  group.forward_flops = cost(&Run::Cost::forward_flops);
  group.input_gradient_flops = cost(&Run::Cost::input_gradient_flops);
  group.weight_gradient_flops = cost(&Run::Cost::weight_gradient_flops);
  group.train_tokens = cost(&Run::Cost::train_tokens);
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
        group->differs = "other data or weights: " + group->first().folder_text();
    }
  }
}

}  // namespace

std::string Group::label() const {
  const std::string& name = first().spec.empty() ? first().strategy : first().spec;
  return (name.empty() ? "-" : name) + (differs.empty() ? "" : " " + differs);
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
    run.problem = "the same settings and seed as " + twin->folder_text() + ", which is newer";
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
