#include "run/sweep/plan.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <set>

#include "engine/base/error.h"

namespace run {
namespace {

using engine::Json;

// Runs without end are a mistake in a plan, not a plan.
constexpr size_t kMostRuns = 100000;

struct Item {
  std::string name;
  Json settings;  // an object
  std::vector<double> rates;
};

std::vector<double> rates_of(const Json& json, const std::string& where) {
  std::vector<double> rates;
  if (json.is_number())
    rates.push_back(json.get<double>());
  else
    rates = engine::json_as<std::vector<double>>(json, where);
  engine::check(!rates.empty(), where, "is empty");
  for (const double rate : rates)
    engine::check(rate > 0 && rate < 1e6, where, "has the learning rate ", rate,
                  ", expected a number above 0");
  return rates;
}

void check_settings(const Json& settings, const std::string& where) {
  for (const auto& [key, value] : settings.items()) {
    engine::check(
        !key.empty() && key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos,
        where, "\"", key, "\" is no flag of finetune");
    engine::check(value.is_string() || value.is_number() || value.is_boolean(), where, "\"", key,
                  "\" should be a string, a number, true or false, found ",
                  engine::json_found(value));
    for (const char* ours : {"out", "resume", "dry_run", "json", "seed"})
      engine::check(key != ours, where, "\"", key, "\" is set by the sweep itself",
                    engine::hint("seeds are listed in \"seeds\" of the plan"));
  }
}

// The items of a list; each names `key`.
std::vector<Item> items(const Json& plan, const std::string& list, const std::string& key,
                        const std::string& where) {
  const Json all = engine::get<Json>(plan, list, where);
  engine::check(all.is_array() && !all.empty(), where, "\"", list,
                "\" should be a list with at least one item, found ", engine::json_found(all));
  std::vector<Item> out;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string place = engine::concat(where, ": \"", list, "\"[", i, "]");
    Item item;
    if (all[i].is_string()) {
      item.settings = {{key, all[i]}};
    } else {
      engine::check(all[i].is_object(), place, "should be a name or an object, found ",
                    engine::json_found(all[i]));
      item.settings = all[i];
      if (item.settings.contains("lr")) {
        item.rates = rates_of(item.settings["lr"], place + ": \"lr\"");
        item.settings.erase("lr");
      }
    }
    // A task of a person's own files has no name but its training file.
    const bool own = key == "task" && engine::has(item.settings, "train");
    item.name = engine::get<std::string>(item.settings, own ? "train" : key, place);
    check_settings(item.settings, place);
    out.push_back(std::move(item));
  }
  return out;
}

// A path's last part, and nothing in it that a file system or a shell minds.
std::string slug(std::string name, bool path) {
  while (path && name.size() > 1 && name.ends_with('/')) name.pop_back();
  if (path && !name.starts_with("random:")) name = name.substr(name.rfind('/') + 1);
  for (char& ch : name)
    if (!std::isalnum(static_cast<unsigned char>(ch)) && ch != '.' && ch != '_') ch = '-';
  if (name.empty() || name.starts_with('.') || name.starts_with('-')) name.insert(0, "x");
  return name.substr(0, 80);
}

std::string number_text(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%g", value);
  return out;
}

void merge_into(Json& settings, const Json& more) {
  for (const auto& [key, value] : more.items()) settings[key] = value;
}

void read_selection(const Json& plan, Json& settings, const std::string& where) {
  const Json select = engine::get_or<Json>(plan, "select", Json::object(), where);
  const std::string place = where + ": \"select\"";
  for (const auto& [key, value] : select.items())
    engine::check(key == "checkpoint" || key == "rate", place, "\"", key, "\" is not known",
                  engine::hint("known are checkpoint and rate"));
  const auto rate = engine::get_or<std::string>(select, "rate", "mean", place);
  engine::check(rate == "mean", place, "\"rate\" is \"", rate,
                "\", known is mean: the best mean score over the seeds that all rates have");
  const auto checkpoint = engine::get_or<std::string>(select, "checkpoint", "last", place);
  engine::check(checkpoint == "last" || checkpoint == "best", place, "\"checkpoint\" is \"",
                checkpoint, "\", known are last and best");
  // With patience the best evaluation's parameters are kept; this much never ends a run early.
  if (checkpoint == "best" && !settings.contains("patience")) settings["patience"] = 1000000;
}

}  // namespace

std::vector<std::string> SweepRun::flags() const {
  std::vector<std::string> out;
  for (const auto& [key, value] : settings.items()) {
    std::string flag = "--" + key;
    std::replace(flag.begin(), flag.end(), '_', '-');
    if (value.is_boolean()) {
      if (value.get<bool>()) out.push_back(flag);
      continue;
    }
    // One word, so that a value that begins with '-' is no flag.
    out.push_back(flag + "=" +
                  (value.is_string()         ? value.get<std::string>()
                   : value.is_number_float() ? engine::json_text(value)
                                             : value.dump()));
  }
  return out;
}

SweepPlan read_plan(const Json& json, const std::string& where) {
  SweepPlan plan;
  plan.json = json;
  engine::check(json.is_object(), where, "should be an object, found ", engine::json_found(json));
  for (const auto& [key, value] : json.items()) {
    static const std::set<std::string> known = {"models", "tasks",    "strategies", "lr",
                                                "seeds",  "settings", "select"};
    engine::check(
        known.contains(key), where, "\"", key, "\" is not known",
        engine::hint("a plan has models, tasks, strategies, lr, seeds, settings, select"));
  }
  Json common = engine::get_or<Json>(json, "settings", Json::object(), where);
  engine::check(common.is_object(), where, "\"settings\" should be an object, found ",
                engine::json_found(common));
  check_settings(common, where + ": \"settings\"");
  read_selection(json, common, where);
  const std::vector<Item> models = items(json, "models", "model", where),
                          tasks = items(json, "tasks", "task", where),
                          strategies = items(json, "strategies", "strategy", where);
  std::vector<double> rates;
  if (engine::has(json, "lr")) rates = rates_of(json.at("lr"), where + ": \"lr\"");
  const auto seeds = engine::get_or<std::vector<int64_t>>(json, "seeds", {1}, where);
  engine::check(!seeds.empty(), where, "\"seeds\" is empty");
  for (const int64_t seed : seeds)
    engine::check(seed >= 0 && std::count(seeds.begin(), seeds.end(), seed) == 1, where,
                  "\"seeds\" should be different numbers from 0, found ", seed);
  plan.seeds = seeds.size();

  std::set<std::string> names;
  std::map<std::string, std::string> cells;  // by what they are
  const auto unique = [&](std::string name) {
    for (int i = 2; !names.insert(name).second; ++i) name += "-" + std::to_string(i);
    return name;
  };
  for (size_t s = 0; s < seeds.size(); ++s) {
    size_t most = 1;
    for (size_t r = 0; r < most; ++r)
      for (const Item& model : models)
        for (const Item& task : tasks)
          for (const Item& strategy : strategies) {
            const std::vector<double>& own = !strategy.rates.empty() ? strategy.rates
                                             : !task.rates.empty()   ? task.rates
                                                                     : rates;
            most = std::max(most, own.size());
            if (r > 0 && r >= own.size()) continue;
            SweepRun run;
            run.settings = common;
            for (const Item* item : {&model, &task, &strategy})
              merge_into(run.settings, item->settings);
            if (!own.empty()) run.lr = own[r];
            if (run.lr) run.settings["lr"] = *run.lr;
            run.settings["seed"] = seeds[s];
            run.rate = r;
            run.seed = s;
            const std::string cell = slug(model.name, true) + "-" + slug(task.name, true) + "-" +
                                     slug(strategy.name, false);
            const std::string key =
                engine::json_text(Json{model.settings, task.settings, strategy.settings});
            if (!cells.contains(key)) cells[key] = unique(cell);
            run.cell = cells[key];
            run.name = run.cell + (run.lr ? "-" + number_text(*run.lr) : std::string()) + "-" +
                       std::to_string(seeds[s]);
            plan.runs.push_back(std::move(run));
            engine::check(plan.runs.size() <= kMostRuns, where, "is more than ", kMostRuns,
                          " runs");
          }
  }
  return plan;
}

}  // namespace run
