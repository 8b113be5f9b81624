#include "apps/analyze/scores.h"

#include <algorithm>
#include <map>
#include <optional>

#include "apps/compare/statistics.h"
#include "engine/base/error.h"
#include "engine/base/number.h"

namespace apps {
namespace {

using engine::Json;

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    std::string all;
    for (const Json& item : value) all += (all.empty() ? "" : "+") + text_of(item);
    return all;
  }
  return value.is_null() ? "" : value.dump();
}

// By number where both are one, else by text.
bool before(const std::string& a, const std::string& b) {
  const auto x = engine::to_number<double>(a), y = engine::to_number<double>(b);
  if (x && y) return *x < *y;
  return x || y ? x.has_value() : a < b;
}

struct Before {
  bool operator()(const std::string& a, const std::string& b) const { return before(a, b); }
};

struct Point {
  Statistic score;
  std::string setting;
  size_t seeds = 0, of = 1;
};

// Runs that agree in all but seed, by what else they differ in.
Point best_setting(const std::vector<const Run*>& runs) {
  std::map<std::string, std::map<int64_t, double>> settings;
  for (const Run* run : runs) {
    Json rest = run->settings;
    for (const char* key : {"seed", "out", "threads", "resume", "log_every", "save_every"})
      rest.erase(key);
    settings[run->spec + rest.dump()][run->seed.value_or(0)] = run->score.value_or(0);
  }
  Point best;
  std::map<std::string, std::string> rates;
  for (const Run* run : runs) {
    Json rest = run->settings;
    for (const char* key : {"seed", "out", "threads", "resume", "log_every", "save_every"})
      rest.erase(key);
    rates[run->spec + rest.dump()] = run->spec + " lr=" + value_of(*run, "lr");
  }
  bool first = true;
  for (const auto& [setting, by_seed] : settings) {
    std::vector<double> scores;
    for (const auto& [seed, score] : by_seed) scores.push_back(score);
    const Statistic s = statistic(scores);
    if (first || s.mean > best.score.mean) {
      best.score = s;
      best.setting = rates[setting];
      best.seeds = scores.size();
    }
    first = false;
  }
  best.of = settings.size();
  return best;
}

}  // namespace

std::string value_of(const Run& run, const std::string& key) {
  if (key == "strategy") return run.strategy;
  if (key == "spec") return run.spec;
  if (key == "model") return run.model;
  if (key == "task") return run.task;
  if (key == "trainable") return run.trainable ? std::to_string(*run.trainable) : "";
  if (key == "examples")
    return run.data.train_examples ? std::to_string(*run.data.train_examples) : "";
  if (run.adapter.is_object()) {
    if (run.adapter.contains(key)) return text_of(run.adapter[key]);
    for (const auto& part : run.adapter)  // of "lora+bitfit", options by strategy
      if (part.is_object() && part.contains(key)) return text_of(part[key]);
  }
  if (run.settings.is_object() && run.settings.contains(key)) return text_of(run.settings[key]);
  return "";
}

ScoreTable score_table(const std::vector<Run>& runs, const std::string& by,
                       const std::string& across) {
  std::map<std::pair<std::string, std::string>,
           std::map<std::string, std::map<std::string, std::vector<const Run*>, Before>, Before>>
      tables;
  std::map<std::string, int> seen;
  for (const Run& run : runs) {
    if (!run.counted() || !run.score) continue;
    const std::string row = value_of(run, by);
    const std::string column = across.empty() ? run.strategy : value_of(run, across);
    if (run.adapter.is_object())
      for (const auto& item : run.adapter.items()) ++seen[item.key()];
    if (row.empty() || column.empty()) continue;
    tables[{run.task, run.model}][row][column].push_back(&run);
  }
  std::string known;
  for (const auto& [key, count] : seen) known += (known.empty() ? "" : ", ") + key;
  engine::check(!tables.empty(), "analyze scores", "no finished run has '", by, "'",
                across.empty() ? "" : " and '" + across + "'",
                engine::hint("their strategies have ", known,
                             "; also strategy, spec, model, task, trainable, examples, and any "
                             "setting of run.json"));
  ScoreTable out;
  for (const auto& [which, rows] : tables) {
    run::Grid grid{
        .title = which.first + ": score by " + by + (across.empty() ? "" : " and " + across),
        .unit = which.second,
        .row_title = by,
        .column_title = across.empty() ? "strategy" : across};
    std::map<std::string, int, Before> columns;
    for (const auto& [row, cells] : rows)
      for (const auto& [column, group] : cells) columns[column] = 1;
    for (const auto& [column, one] : columns) grid.column(column);
    LineChart chart{
        .title = grid.title, .x_title = by, .y_title = "score", .log_x = true, .series = {}};
    std::map<std::string, Series, Before> series;
    bool numbers = true;
    for (const auto& [row, cells] : rows) {
      const auto x = engine::to_number<double>(row);
      numbers = numbers && x;
      chart.log_x = chart.log_x && x && *x > 0;
      const size_t r = grid.row(row);
      for (const auto& [column, group] : cells) {
        const Point point = best_setting(group);
        grid.at(r, grid.column(column)) = point.score.mean;
        const double error = point.seeds > 1 ? point.score.deviation : 0;
        if (x)
          series[column].points.push_back(
              {*x, point.score.mean, point.score.mean - error, point.score.mean + error});
        if (point.of > 1)
          out.notes.push_back(engine::concat(by, " ", row, ", ", column, ": ", point.setting,
                                             " is the best of ", point.of, " settings"));
      }
    }
    if (numbers)
      for (auto& [name, one] : series) {
        one.name = name;
        chart.series.push_back(std::move(one));
      }
    out.grids.push_back(std::move(grid));
    out.charts.push_back(std::move(chart));
  }
  return out;
}

}  // namespace apps
