#include <algorithm>
#include <sstream>

#include "apps/common/format.h"
#include "apps/common/table.h"
#include "apps/compare/cost.h"
#include "apps/compare/report.h"
#include "apps/page/escape.h"

namespace apps {
namespace {

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

// Text of a run as the format has it.
using Escape = std::string (*)(std::string_view);
std::string as_is(std::string_view text) { return std::string(text); }

// A table that writes its cells itself: markdown() of Table escapes what markdown_text() did.
std::string markdown_table(const std::vector<Column>& columns,
                           const std::vector<std::vector<std::string>>& rows) {
  std::string out = "|", under = "|";
  for (const Column& column : columns) {
    out += " " + column.title + " |";
    under += column.align == Align::right ? " ---: |" : " --- |";
  }
  out += "\n" + under + "\n";
  for (const auto& row : rows) {
    out += "|";
    for (const std::string& cell : row) out += " " + cell + " |";
    out += "\n";
  }
  return out;
}

struct Cells {
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> sections;  // title above each row, "" for none
};

std::string marked(const std::string& text, Mark mark, bool markdown) {
  if (mark == Mark::best) return markdown ? "**" + text + "**" : text + " *";
  if (mark == Mark::close) return markdown ? "<u>" + text + "</u>" : text + " ~";
  return text;
}

Cells matrix(const Summary& summary, Escape escape, bool markdown) {
  Cells out;
  const bool models = summary.comparison->several_models;
  if (models) out.columns.push_back({"model", Align::left, Fit::cut_front, 2});
  out.columns.push_back({"strategy", Align::left, Fit::wrap});
  for (const std::string& task : summary.tasks)
    out.columns.push_back({escape(or_dash(task)), Align::right});
  const bool average = summary.tasks.size() > 1;
  if (average) out.columns.push_back({summary.glue ? "GLUE average" : "average", Align::right});
  out.columns.push_back({"trainable", Align::right, Fit::fixed, 1});
  for (const Row& row : summary.rows) {
    std::vector<std::string> cells;
    if (models) cells.push_back(escape(or_dash(row.model)));
    cells.push_back(escape(or_dash(row.spec)));
    for (const Cell& cell : row.cells)
      cells.push_back(cell.group ? marked(score_text(cell.group->score), cell.mark, markdown)
                                 : "-");
    if (average)
      cells.push_back(row.average ? marked(score_text(*row.average), row.average_mark, markdown)
                                  : "-");
    cells.push_back(row.any().trainable ? format_count(*row.any().trainable) : "-");
    out.rows.push_back(std::move(cells));
  }
  return out;
}

// Every group: a row for each setting.
Cells details(const Comparison& comparison, Escape escape, bool sections) {
  Cells out;
  if (!sections) out.columns.push_back({"task"});
  if (comparison.several_models) out.columns.push_back({"model", Align::left, Fit::cut, 4});
  out.columns.insert(out.columns.end(), {{"strategy", Align::left, Fit::wrap},
                                         {"trainable", Align::right},
                                         {"%", Align::right},
                                         {"score", Align::right},
                                         {"n", Align::right, Fit::fixed, 3},
                                         {"time", Align::right, Fit::fixed, 1},
                                         {"memory", Align::right, Fit::fixed, 2},
                                         {"FLOP", Align::right, Fit::fixed, 1}});
  const std::string* task = nullptr;
  for (const Group& group : comparison.groups) {
    const Run& run = group.first();
    out.sections.push_back(
        !task || *task != run.task
            ? or_dash(run.task) + (run.metric_names.empty() ? "" : "  (" + run.metric_text() + ")")
            : "");
    task = &run.task;
    std::vector<std::string> cells;
    if (!sections) cells.push_back(escape(or_dash(run.task)));
    if (comparison.several_models) cells.push_back(escape(or_dash(run.model)));
    const std::string flops = group.gemm_flops ? format_flops(group.gemm_flops.mean) : "-";
    for (const std::string& cell :
         {escape(group.label()), run.trainable ? format_count(*run.trainable) : std::string("-"),
          run.trainable && run.total ? format_percent(run.percent()) : "-", score_text(group.score),
          std::to_string(group.runs.size()),
          group.seconds ? format_seconds(group.seconds.mean) : "-",
          group.peak_bytes ? format_bytes(group.peak_bytes.mean) : "-",
          group.gemm_flops ? flops.substr(0, flops.size() - 4) : flops})
      cells.push_back(cell);
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::string text_table(const Cells& cells, int width) {
  Table table(cells.columns);
  for (size_t i = 0; i < cells.rows.size(); ++i) {
    if (i < cells.sections.size() && !cells.sections[i].empty()) table.section(cells.sections[i]);
    table.add(cells.rows[i]);
  }
  return table.text(width);
}

// A table by task says more than the settings' alone.
bool has_matrix(const Summary& summary) {
  if (summary.rows.empty()) return false;
  return summary.tasks.size() > 1 || !selections(summary).empty() || summary.paired;
}

// One line a strategy, for the task that has the most of them: costs by token hardly differ.
std::vector<std::string> reasons(const Summary& summary) {
  size_t best = 0, most = 0;
  for (size_t t = 0; t < summary.tasks.size(); ++t) {
    const auto runs = static_cast<size_t>(std::count_if(
        summary.rows.begin(), summary.rows.end(), [&](const Row& r) { return r.cells[t].group; }));
    if (runs > most) {
      most = runs;
      best = t;
    }
  }
  std::vector<std::string> out;
  if (most < 2) return out;
  for (const Row& row : summary.rows) {
    const std::string reason = why(summary, best, row);
    if (reason.empty()) continue;
    out.push_back((summary.comparison->several_models ? row.model + ", " : "") + row.spec + ": " +
                  reason);
  }
  return out.size() > 1 ? out : std::vector<std::string>();
}

std::string wrapped(const std::string& text, int width, const std::string& indent) {
  if (width <= 0) return text + "\n";
  std::string out, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      out += line + "\n";
      line = indent;
    }
    line += (line.empty() || line == indent ? "" : " ") + word;
  }
  return out + line + "\n";
}

}  // namespace

std::string score_text(const Statistic& score) {
  if (!score) return "-";
  const std::string mean = format_number(100 * score.mean, 2);
  return score.count > 1 ? mean + " ± " + format_number(100 * score.deviation, 2) : mean;
}

std::vector<std::string> explanations(const Summary& summary) {
  bool several = false;
  for (const Group& group : summary.comparison->groups) several = several || group.runs.size() > 1;
  std::vector<std::string> out = {
      several ? "score: dev set, times 100, mean ± standard deviation over n seeds."
              : "score: dev set, times 100."};
  if (summary.paired)
    out.push_back(
        "The best of a column is marked where it beats every other by more than the error: 95 % "
        "t-interval of the paired differences over shared seeds, not corrected for the number of "
        "comparisons. Those that this does not tell apart from the best mean are marked as close.");
  else if (summary.rows.size() > 1)
    out.push_back("No best is marked: with one seed nothing is known about the error.");
  return out;
}

std::vector<std::string> selections(const Summary& summary) {
  std::vector<std::string> out;
  for (size_t t = 0; t < summary.tasks.size(); ++t)
    for (const Row& row : summary.rows)
      if (!row.cells[t].how.empty())
        out.push_back(or_dash(summary.tasks[t]) + ", " +
                      (summary.comparison->several_models ? row.model + ", " : "") + row.spec +
                      ": " + row.cells[t].how);
  return out;
}

std::string terminal_report(const Summary& summary, int width) {
  const Comparison& comparison = *summary.comparison;
  std::string out;
  if (comparison.groups.empty()) {
    out = "no finished run\n";
  } else {
    if (has_matrix(summary)) out += text_table(matrix(summary, as_is, false), width) + "\n";
    out += text_table(details(comparison, as_is, true), width);
    for (const std::string& line : explanations(summary)) out += wrapped(line, width, "  ");
    out += wrapped(
        std::string(summary.paired ? "* best, ~ close. " : "") + "FLOP: of matrix products (GEMM).",
        width, "  ");
    if (const auto lines = reasons(summary); !lines.empty()) {
      out += "\nwhy, by training token:\n";
      for (const std::string& line : lines) out += wrapped("  " + line, width, "    ");
    }
    if (const auto lines = selections(summary); !lines.empty()) {
      out += "\nchosen, on the same dev set:\n";
      for (const std::string& line : lines) out += wrapped("  " + line, width, "    ");
    }
  }
  if (!comparison.uncounted.empty()) out += "\nnot counted:\n";
  for (const Run& run : comparison.uncounted)
    out += "  " + run.folder_text() + ": " + run.problem + "\n";
  return out;
}

std::string markdown_report(const Summary& summary) {
  const Comparison& comparison = *summary.comparison;
  std::string out;
  if (has_matrix(summary)) {
    const Cells cells = matrix(summary, markdown_text, true);
    out += markdown_table(cells.columns, cells.rows) + "\n";
  }
  const Cells cells = details(comparison, markdown_text, false);
  out += markdown_table(cells.columns, cells.rows) + "\n";
  for (const std::string& line : explanations(summary)) out += line + "\n";
  out += std::string(summary.paired ? "Bold: best; underlined: close. " : "") +
         "FLOP: of matrix products (GEMM).\n";
  const auto list = [&](const std::string& title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    out += "\n" + title + "\n\n";
    for (const std::string& line : lines) out += "- " + markdown_text(line) + "\n";
  };
  list("Why, by training token:", reasons(summary));
  list("Chosen, on the same dev set:", selections(summary));
  std::vector<std::string> left_out;
  for (const Run& run : comparison.uncounted)
    left_out.push_back(run.folder_text() + ": " + run.problem);
  list("Not counted:", left_out);
  return out;
}

std::string csv_report(const Summary& summary) {
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
               {"runs"},
               {"score_low"},
               {"score_high"},
               {"chosen"},
               {"learning_rate"},
               {"forward_flops"},
               {"input_gradient_flops"},
               {"weight_gradient_flops"},
               {"saved_bytes"},
               {"inference_ms"},
               {"merged_inference_ms"}});
  const auto plain = [](const Statistic& s) {
    return s ? format_significant(s.mean, 10) : std::string();
  };
  for (const Group& group : summary.comparison->groups) {
    const Run& run = group.first();
    std::string seeds, folders;
    for (const Run& one : group.runs) {
      seeds += (seeds.empty() ? "" : " ") + (one.seed ? std::to_string(*one.seed) : "?");
      folders += (folders.empty() ? "" : " ") + one.folder_text();
    }
    bool chosen = false;
    for (const Row& row : summary.rows)
      for (const Cell& cell : row.cells) chosen = chosen || cell.group == &group;
    const double half = half_interval(group.score);
    const bool interval = group.score.count > 1;
    table.add({csv_text(run.task),
               csv_text(run.model),
               csv_text(run.strategy),
               csv_text(run.spec),
               csv_text(group.differs),
               run.trainable ? std::to_string(*run.trainable) : "",
               run.total ? std::to_string(*run.total) : "",
               run.trainable && run.total ? format_significant(run.percent(), 6) : "",
               plain(group.score),
               interval ? format_significant(group.score.deviation, 6) : "",
               std::to_string(group.runs.size()),
               seeds,
               plain(group.seconds),
               plain(group.tokens_per_second),
               plain(group.peak_bytes),
               plain(group.gemm_flops),
               csv_text(folders),
               interval ? format_significant(group.score.mean - half, 6) : "",
               interval ? format_significant(group.score.mean + half, 6) : "",
               chosen ? "yes" : "no",
               run.learning_rate() ? format_significant(*run.learning_rate(), 10) : "",
               plain(group.forward_flops),
               plain(group.input_gradient_flops),
               plain(group.weight_gradient_flops),
               plain(group.saved_bytes),
               plain(group.inference_ms),
               plain(group.merged_ms)});
  }
  return table.csv();
}

}  // namespace apps
