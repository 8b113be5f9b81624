#include <map>
#include <set>

#include "apps/compare/curves.h"
#include "apps/compare/page.h"
#include "apps/compare/published.h"

namespace apps {
namespace {

using engine::Json;

Json pairs(const std::vector<std::pair<double, double>>& points) {
  Json out = Json::array();
  for (const auto& [x, y] : points) out.push_back({x, y});
  return out;
}

Json optional_mean(const Statistic& s) { return s ? Json(s.mean) : Json(nullptr); }

// Mean score by learning rate, over the settings of a row on a task.
Json rates_of(const Summary& summary, const Row& row, const std::string& task) {
  std::map<double, std::pair<double, int>> best;  // of settings with the same rate, the better one
  for (const Group& group : summary.comparison->groups) {
    const Run& run = group.first();
    const auto rate = run.learning_rate();
    if (run.task != task || run.model != row.model || run.spec != row.spec || !group.score ||
        !rate || *rate <= 0)
      continue;
    const auto it = best.find(*rate);
    if (it == best.end() || it->second.first < group.score.mean)
      best[*rate] = {group.score.mean, group.score.count};
  }
  Json out = Json::array();
  for (const auto& [rate, score] : best) out.push_back({rate, 100 * score.first, score.second});
  return out;
}

Json row_json(const Summary& summary, size_t task, size_t index, int variant) {
  const Row& row = summary.rows[index];
  const Group& group = *row.cells[task].group;
  const double half = half_interval(group.score);
  Json out = {{"label", row_label(summary, row)},
              {"colour", colour_class(row.strategy)},
              {"variant", variant},
              {"trainable", group.first().trainable ? Json(*group.first().trainable) : Json()},
              {"mean", group.score ? Json(100 * group.score.mean) : Json()},
              {"half", group.score.count > 1 ? Json(100 * half) : Json()},
              {"seconds", optional_mean(group.seconds)},
              {"peak", optional_mean(group.peak_bytes)},
              {"saved", optional_mean(group.saved_bytes)},
              {"rates", rates_of(summary, row, summary.tasks[task])}};
  const double tokens =
      group.train_tokens && group.train_tokens.mean > 0 ? group.train_tokens.mean : 1;
  Json products = Json::array();
  for (const Statistic* s :
       {&group.forward_flops, &group.input_gradient_flops, &group.weight_gradient_flops})
    if (*s) products.push_back(s->mean / tokens);
  out["products"] = products.size() == 3 ? products : Json();
  Json seeds = Json::array(), curves = Json::array();
  for (const Run& run : group.runs) {
    if (run.score) seeds.push_back({run.seed ? Json(*run.seed) : Json(), 100 * *run.score});
    const Curves c = read_curves(run.folder / "metrics.jsonl");
    curves.push_back({{"seed", run.seed ? Json(*run.seed) : Json()},
                      {"loss", pairs(c.loss)},
                      {"score", pairs(c.score)}});
  }
  out["seeds"] = seeds;
  out["curves"] = curves;
  return out;
}

Json references_of(const Summary& summary, const std::string& task) {
  Json out = Json::array();
  const Run* run = nullptr;
  for (const Group& group : summary.comparison->groups)
    if (group.first().task == task) run = &group.first();
  const auto lines = reference_lines(task);
  struct Line {
    const char *key, *name, *short_name;
  };
  for (const Line& line : {Line{"majority", "most frequent class", "majority"},
                           Line{"naive_bayes", "naive Bayes on words", "naive Bayes"}})
    if (const auto it = lines.find(line.key); run && it != lines.end())
      if (const auto score = reference_score(it->second, run->metric_names))
        out.push_back({{"name", line.name}, {"short", line.short_name}, {"score", *score}});
  return out;
}

}  // namespace

std::string colour_class(const std::string& strategy) {
  static const std::set<std::string> known = {"frozen", "bitfit", "lora", "adapter",
                                              "prefix", "ia3",    "top",  "full"};
  return "s-" + (known.contains(strategy) ? strategy : std::string("other"));
}

std::vector<int> variants(const Summary& summary) {
  std::map<std::string, int> seen;
  std::vector<int> out;
  for (const Row& row : summary.rows) out.push_back(seen[colour_class(row.strategy)]++);
  return out;
}

std::string short_model(const std::string& model) {
  const size_t end = model.find_last_not_of('/');
  if (end == std::string::npos || model.starts_with("random:")) return model;
  const size_t slash = model.rfind('/', end);
  return model.substr(slash == std::string::npos ? 0 : slash + 1,
                      end - (slash == std::string::npos ? 0 : slash + 1) + 1);
}

std::string row_label(const Summary& summary, const Row& row) {
  const std::string name = row.spec.empty() ? "-" : row.spec;
  return summary.comparison->several_models ? name + " (" + short_model(row.model) + ")" : name;
}

Json page_data(const Summary& summary) {
  const std::vector<int> variant = variants(summary);
  Json tasks = Json::array(), average = Json::array();
  std::set<std::string> models;
  for (const Row& row : summary.rows) models.insert(row.model);
  for (size_t t = 0; t < summary.tasks.size(); ++t) {
    Json rows = Json::array(), frontiers = Json::array();
    std::string metric = "score";
    for (size_t i = 0; i < summary.rows.size(); ++i) {
      if (!summary.rows[i].cells[t].group) continue;
      rows.push_back(row_json(summary, t, i, variant[i]));
      metric = summary.rows[i].cells[t].group->first().metric_text();
    }
    for (const std::string& model : models) {
      Json line = Json::array();
      for (const size_t i : frontier(summary, t, model)) {
        const Group& group = *summary.rows[i].cells[t].group;
        line.push_back({*group.first().trainable, 100 * group.score.mean});
      }
      frontiers.push_back(line);
    }
    tasks.push_back({{"name", summary.tasks[t].empty() ? "unnamed task" : summary.tasks[t]},
                     {"metric", metric},
                     {"rows", rows},
                     {"frontiers", frontiers},
                     {"references", references_of(summary, summary.tasks[t])}});
  }
  for (size_t i = 0; i < summary.rows.size(); ++i) {
    const Row& row = summary.rows[i];
    if (!row.average) continue;
    const double half = half_interval(*row.average);
    Json seeds = Json::array();
    for (size_t s = 0; s < row.seeds.size(); ++s)
      seeds.push_back({row.seeds[s], 100 * row.by_seed[s]});
    average.push_back({{"label", row_label(summary, row)},
                       {"colour", colour_class(row.strategy)},
                       {"variant", variant[i]},
                       {"trainable", row.any().trainable ? Json(*row.any().trainable) : Json()},
                       {"mean", 100 * row.average->mean},
                       {"half", row.average->count > 1 ? Json(100 * half) : Json()},
                       {"seeds", seeds}});
  }
  return {{"tasks", tasks}, {"average", average}};
}

}  // namespace apps
