#include "run/sweep/schedule.h"

#include <algorithm>
#include <map>

namespace run {
namespace {

using engine::Json;
using Status = RunState::Status;

bool over(const RunState& state) {
  return state.status == Status::finished || state.status == Status::failed;
}

// The runs of a cell: by rate, then by seed.
using Cell = std::map<size_t, std::map<size_t, size_t>>;

struct Contender {
  size_t rate;
  double mean;  // -1 if a seed failed: it is out
};

std::string percent(double score) {
  char out[32];
  std::snprintf(out, sizeof out, "%.2f", 100 * score);
  return out;
}

// Adds the runs of one cell to the schedule, seed by seed.
void halve(const SweepPlan& plan, const std::vector<RunState>& states, const Cell& cell,
           Schedule& out) {
  std::vector<size_t> rates;
  for (const auto& [rate, runs] : cell) rates.push_back(rate);
  for (size_t seed = 0; seed < plan.seeds; ++seed) {
    bool known = true;
    for (const size_t rate : rates) {
      const size_t run = cell.at(rate).at(seed);
      if (over(states[run])) continue;
      out.queue.push_back(run);
      known = false;
    }
    if (!known) {
      out.waiting = out.waiting || seed + 1 < plan.seeds;
      return;
    }
    if (rates.size() == 1 || seed + 1 == plan.seeds) continue;
    std::vector<Contender> contenders;
    for (const size_t rate : rates) {
      double sum = 0;
      bool failed = false;
      for (size_t s = 0; s <= seed; ++s) {
        const RunState& state = states[cell.at(rate).at(s)];
        failed = failed || state.status == Status::failed || !state.score;
        sum += state.score.value_or(0);
      }
      contenders.push_back({rate, failed ? -1 : sum / static_cast<double>(seed + 1)});
    }
    std::stable_sort(contenders.begin(), contenders.end(),
                     [](const Contender& a, const Contender& b) { return a.mean > b.mean; });
    const size_t keep = (contenders.size() + 1) / 2;
    rates.clear();
    for (size_t i = 0; i < contenders.size(); ++i) {
      if (i < keep && contenders[i].mean >= 0) {
        rates.push_back(contenders[i].rate);
        continue;
      }
      for (size_t s = seed + 1; s < plan.seeds; ++s)
        out.dropped.push_back({cell.at(contenders[i].rate).at(s),
                               contenders[i].mean < 0
                                   ? "this rate failed"
                                   : "this rate has " + percent(contenders[i].mean) + " after " +
                                         std::to_string(seed + 1) +
                                         (seed == 0 ? " seed" : " seeds") + ", the best " +
                                         percent(contenders[0].mean)});
    }
    std::sort(rates.begin(), rates.end());
    if (rates.empty()) return;
  }
}

}  // namespace

Schedule schedule(const SweepPlan& plan, const std::vector<RunState>& states, bool halving) {
  Schedule out;
  if (halving) {
    std::map<std::string, Cell> cells;
    for (size_t i = 0; i < plan.runs.size(); ++i)
      cells[plan.runs[i].cell][plan.runs[i].rate][plan.runs[i].seed] = i;
    for (const auto& [name, cell] : cells) halve(plan, states, cell, out);
  } else {
    for (size_t i = 0; i < plan.runs.size(); ++i)
      if (!over(states[i])) out.queue.push_back(i);
  }
  std::sort(out.queue.begin(), out.queue.end());  // the plan's order: seeds first
  std::sort(out.dropped.begin(), out.dropped.end(),
            [](const Dropped& a, const Dropped& b) { return a.run < b.run; });
  return out;
}

std::optional<double> predicted_seconds(const SweepPlan& plan, const std::vector<RunState>& states,
                                        size_t run) {
  const auto key = [&](size_t i, int level) {
    const Json& s = plan.runs[i].settings;
    if (level == 0) return plan.runs[i].cell;
    if (level == 2) return std::string();
    return engine::json_text(Json{s.value("model", ""), s.value("task", ""), s.value("train", "")});
  };
  for (int level = 0; level < 3; ++level) {
    double sum = 0;
    int count = 0;
    for (size_t i = 0; i < plan.runs.size(); ++i)
      if (states[i].status == Status::finished && states[i].seconds &&
          key(i, level) == key(run, level)) {
        sum += *states[i].seconds;
        ++count;
      }
    if (count > 0) return sum / count;
  }
  return std::nullopt;
}

Json sweep_record(const SweepPlan& plan, const std::vector<RunState>& states,
                  const Schedule& schedule) {
  Json runs = Json::array(), dropped = Json::array();
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    static const char* const names[] = {"absent", "unfinished", "finished", "failed"};
    Json run = {{"name", plan.runs[i].name}, {"status", names[static_cast<int>(states[i].status)]}};
    if (states[i].score) run["score"] = *states[i].score;
    if (!states[i].message.empty()) run["message"] = states[i].message;
    runs.push_back(std::move(run));
  }
  for (const Dropped& d : schedule.dropped)
    dropped.push_back({{"name", plan.runs[d.run].name}, {"reason", d.reason}});
  return {
      {"schema", "peft.cpp/sweep/1"}, {"plan", plan.json}, {"runs", runs}, {"dropped", dropped}};
}

}  // namespace run
