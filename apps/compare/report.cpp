#include "apps/compare/report.h"

#include "apps/common/format.h"
#include "apps/common/table.h"

namespace apps {
namespace {

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string name_of(const Group& group) {
  return or_dash(group.first().spec) + (group.differs.empty() ? "" : "  " + group.differs);
}

// `sections`: the task stands above its rows instead of in a column.
Table people_table(const Comparison& comparison, bool sections) {
  std::vector<Column> columns;
  if (!sections) columns.push_back({"task"});
  if (comparison.several_models) columns.push_back({"model", Align::left, Fit::cut, 4});
  columns.insert(columns.end(), {{"strategy", Align::left, Fit::wrap},
                                 {"trainable", Align::right},
                                 {"%", Align::right},
                                 {"score", Align::right},
                                 {"n", Align::right, Fit::fixed, 3},
                                 {"time", Align::right, Fit::fixed, 1},
                                 {"memory", Align::right, Fit::fixed, 2},
                                 {"FLOP", Align::right, Fit::fixed, 1}});
  Table table(columns);
  const std::string* task = nullptr;
  for (const Group& group : comparison.groups) {
    const Run& run = group.first();
    if (sections && (!task || *task != run.task)) table.section(or_dash(run.task));
    task = &run.task;
    std::vector<std::string> cells;
    if (!sections) cells.push_back(or_dash(run.task));
    if (comparison.several_models) cells.push_back(or_dash(run.model));
    const std::string flops = group.gemm_flops ? format_flops(group.gemm_flops.mean) : "-";
    for (const std::string& cell :
         {name_of(group), run.trainable ? format_count(*run.trainable) : std::string("-"),
          run.trainable && run.total ? format_percent(run.percent()) : "-", score_text(group.score),
          std::to_string(group.runs.size()),
          group.seconds ? format_seconds(group.seconds.mean) : "-",
          group.peak_bytes ? format_bytes(group.peak_bytes.mean) : "-",
          group.gemm_flops ? flops.substr(0, flops.size() - 4) : flops})
      cells.push_back(cell);
    table.add(std::move(cells));
  }
  return table;
}

std::string explanation(const Comparison& comparison) {
  bool several = false;
  for (const Group& group : comparison.groups) several = several || group.runs.size() > 1;
  return several ? "score: dev, times 100, mean ± standard deviation over n seeds. FLOP: of GEMMs."
                 : "score: dev, times 100. FLOP: of matrix products (GEMM).";
}

}  // namespace

std::string score_text(const Statistic& score) {
  if (!score) return "-";
  const std::string mean = format_number(100 * score.mean, 2);
  return score.count > 1 ? mean + " ± " + format_number(100 * score.deviation, 2) : mean;
}

std::string terminal_report(const Comparison& comparison, int width) {
  std::string out;
  if (!comparison.groups.empty())
    out = people_table(comparison, true).text(width) + explanation(comparison) + "\n";
  else
    out = "no finished run\n";
  if (!comparison.uncounted.empty()) out += "\nnot counted:\n";
  for (const Run& run : comparison.uncounted)
    out += "  " + run.folder.string() + ": " + run.problem + "\n";
  return out;
}

std::string markdown_report(const Comparison& comparison) {
  std::string out =
      people_table(comparison, false).markdown() + "\n" + explanation(comparison) + "\n";
  if (!comparison.uncounted.empty()) out += "\nNot counted:\n\n";
  for (const Run& run : comparison.uncounted)
    out += "- " + markdown_cell(run.folder.string()) + ": " + markdown_cell(run.problem) + "\n";
  return out;
}

std::string csv_report(const Comparison& comparison) {
  Table table({{"task"},
               {"model"},
               {"strategy"},
               {"strategy_spec"},
               {"differs"},
               {"trainable_parameters"},
               {"total_parameters"},
               {"trainable_percent"},
               {"score_mean"},
               {"score_std"},
               {"n"},
               {"seeds"},
               {"seconds"},
               {"tokens_per_second"},
               {"peak_memory_bytes"},
               {"gemm_flops"},
               {"runs"}});
  const auto plain = [](const Statistic& s) {
    return s ? format_significant(s.mean, 10) : std::string();
  };
  for (const Group& group : comparison.groups) {
    const Run& run = group.first();
    std::string seeds, folders;
    for (const Run& one : group.runs) {
      seeds += (seeds.empty() ? "" : " ") + (one.seed ? std::to_string(*one.seed) : "?");
      folders += (folders.empty() ? "" : " ") + one.folder.string();
    }
    table.add({run.task, run.model, run.strategy, run.spec, group.differs,
               run.trainable ? std::to_string(*run.trainable) : "",
               run.total ? std::to_string(*run.total) : "",
               run.trainable && run.total ? format_significant(run.percent(), 6) : "",
               plain(group.score),
               group.score.count > 1 ? format_significant(group.score.deviation, 6) : "",
               std::to_string(group.runs.size()), seeds, plain(group.seconds),
               plain(group.tokens_per_second), plain(group.peak_bytes), plain(group.gemm_flops),
               folders});
  }
  return table.csv();
}

}  // namespace apps
