#include "apps/compare/summary.h"

#include <algorithm>
#include <map>
#include <set>

#include "apps/common/format.h"

namespace apps {
namespace {

using Candidates = std::vector<const Group*>;

std::map<int64_t, double> by_seed(const Group& group) {
  std::map<int64_t, double> out;
  for (const Run& run : group.runs)
    if (run.seed && run.score) out[*run.seed] = *run.score;
  return out;
}

std::set<int64_t> common_seeds(const Candidates& groups) {
  std::set<int64_t> common;
  for (size_t i = 0; i < groups.size(); ++i) {
    std::set<int64_t> seeds;
    for (const auto& [seed, score] : by_seed(*groups[i])) seeds.insert(seed);
    if (i == 0) common = seeds;
    std::erase_if(common, [&](int64_t seed) { return !seeds.contains(seed); });
  }
  return common;
}

std::string seed_text(const std::set<int64_t>& seeds) {
  std::string out = seeds.size() == 1 ? "seed" : "seeds";
  for (const int64_t seed : seeds) out += " " + std::to_string(seed);
  return out;
}

Cell choose(const Candidates& groups) {
  Cell cell;
  cell.settings = static_cast<int>(groups.size());
  Candidates scored;
  for (const Group* group : groups)
    if (group->score) scored.push_back(group);
  if (scored.size() < 2) {
    cell.group = scored.empty() ? groups.front() : scored.front();
    return cell;
  }
  const std::set<int64_t> seeds = common_seeds(scored);
  double best = -1e300;
  for (const Group* group : scored) {
    double mean = group->score.mean;
    if (!seeds.empty()) {
      std::vector<double> values;
      for (const auto& [seed, score] : by_seed(*group))
        if (seeds.contains(seed)) values.push_back(score);
      mean = statistic(values).mean;
    }
    if (mean > best || (mean == best && group->score.count > cell.group->score.count)) {
      best = mean;
      cell.group = group;
    }
  }
  cell.how = (cell.group->differs.empty() ? "chosen" : cell.group->differs) + ", the best of " +
             std::to_string(scored.size()) + " settings by the mean over " +
             (seeds.empty() ? std::string("their own seeds (none in common)") : seed_text(seeds));
  return cell;
}

// What marks need: the mean and the values to pair.
struct Entry {
  double mean;
  Mark* mark;
  std::map<int64_t, double> values;
};

void mark_entries(std::vector<Entry>& entries, bool& tested) {
  if (entries.size() < 2) return;
  Entry& best = *std::max_element(entries.begin(), entries.end(),
                                  [](const Entry& a, const Entry& b) { return a.mean < b.mean; });
  bool alone = true;
  for (Entry& other : entries) {
    if (&other == &best) continue;
    std::vector<double> a, b;
    for (const auto& [seed, value] : best.values)
      if (const auto it = other.values.find(seed); it != other.values.end()) {
        a.push_back(value);
        b.push_back(it->second);
      }
    if (a.size() < 2) {
      alone = false;  // nothing is known about the error
      continue;
    }
    tested = true;
    if (paired_difference(a, b).separated()) continue;
    alone = false;
    *other.mark = *best.mark = Mark::close;
  }
  if (alone) *best.mark = Mark::best;
}

void average_row(Row& row) {
  if (row.cells.size() < 2) return;
  Candidates groups;
  double sum = 0;
  for (const Cell& cell : row.cells) {
    if (!cell.group || !cell.group->score) return;
    groups.push_back(cell.group);
    sum += cell.group->score.mean;
  }
  for (const int64_t seed : common_seeds(groups)) {
    double total = 0;
    for (const Group* group : groups) total += by_seed(*group).at(seed);
    row.seeds.push_back(seed);
    row.by_seed.push_back(total / static_cast<double>(groups.size()));
  }
  row.average = statistic(row.by_seed);
  row.average->mean = sum / static_cast<double>(groups.size());  // of the cells as they are shown
  if (row.average->count == 0) row.average->count = 1;
}

void mark_columns(Summary& summary) {
  std::map<std::string, std::vector<Row*>> models;
  for (Row& row : summary.rows) models[row.model].push_back(&row);
  for (auto& [model, rows] : models) {
    for (size_t t = 0; t < summary.tasks.size(); ++t) {
      std::vector<Entry> entries;
      for (Row* row : rows)
        if (Cell& cell = row->cells[t]; cell.group && cell.group->score)
          entries.push_back({cell.group->score.mean, &cell.mark, by_seed(*cell.group)});
      mark_entries(entries, summary.paired);
    }
    std::vector<Entry> averages;
    for (Row* row : rows) {
      if (!row->average) continue;
      std::map<int64_t, double> values;
      for (size_t i = 0; i < row->seeds.size(); ++i) values[row->seeds[i]] = row->by_seed[i];
      averages.push_back({row->average->mean, &row->average_mark, std::move(values)});
    }
    mark_entries(averages, summary.paired);
  }
}

}  // namespace

const Run& Row::any() const {
  for (const Cell& cell : cells)
    if (cell.group) return cell.group->first();
  throw std::logic_error("a row without a run");
}

PairedScores shared_seeds(const Group& a, const Group& b) {
  PairedScores out;
  const std::map<int64_t, double> mine = by_seed(a), theirs = by_seed(b);
  for (const auto& [seed, score] : mine)
    if (const auto it = theirs.find(seed); it != theirs.end()) {
      out.a.push_back(score);
      out.b.push_back(it->second);
    }
  return out;
}

Summary summarise(const Comparison& comparison) {
  Summary summary;
  summary.comparison = &comparison;
  std::set<std::string> tasks;
  for (const Group& group : comparison.groups) tasks.insert(group.first().task);
  const std::vector<std::string> glue = {"cola", "sst2", "mrpc", "stsb", "qqp",
                                         "mnli", "qnli", "rte",  "wnli"};
  for (const std::string& task : glue)  // in GLUE's order, then the others
    if (tasks.erase(task) > 0) summary.tasks.push_back(task);
  summary.glue = summary.tasks.size() == glue.size() && tasks.empty();
  summary.tasks.insert(summary.tasks.end(), tasks.begin(), tasks.end());

  std::map<std::pair<std::string, std::string>, std::map<std::string, Candidates>> rows;
  for (const Group& group : comparison.groups)
    rows[{group.first().model, group.first().spec}][group.first().task].push_back(&group);
  for (const auto& [key, by_task] : rows) {
    Row row;
    row.model = key.first;
    row.spec = key.second;
    for (const std::string& task : summary.tasks) {
      const auto it = by_task.find(task);
      row.cells.push_back(it == by_task.end() ? Cell{} : choose(it->second));
    }
    row.strategy = row.any().strategy;
    average_row(row);
    summary.rows.push_back(std::move(row));
  }
  std::stable_sort(summary.rows.begin(), summary.rows.end(), [](const Row& a, const Row& b) {
    return std::make_pair(a.model, a.any().trainable.value_or(INT64_MAX)) <
           std::make_pair(b.model, b.any().trainable.value_or(INT64_MAX));
  });
  mark_columns(summary);
  return summary;
}

std::vector<size_t> frontier(const Summary& summary, size_t task, const std::string& model) {
  std::vector<size_t> order, out;
  const auto group = [&](size_t i) { return summary.rows[i].cells[task].group; };
  for (size_t i = 0; i < summary.rows.size(); ++i)
    if (summary.rows[i].model == model && group(i) && group(i)->score &&
        group(i)->first().trainable)
      order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto key = [&](size_t i) {
      return std::make_pair(*group(i)->first().trainable, -group(i)->score.mean);
    };
    return key(a) < key(b);
  });
  double best = -1e300;
  for (const size_t i : order)
    if (group(i)->score.mean > best) {
      best = group(i)->score.mean;
      out.push_back(i);
    }
  return out;
}

}  // namespace apps
