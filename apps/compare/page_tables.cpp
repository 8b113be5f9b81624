#include "apps/compare/page_tables.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "apps/common/format.h"
#include "apps/compare/cost.h"
#include "apps/compare/page.h"
#include "apps/compare/published.h"
#include "apps/compare/report.h"
#include "apps/page/escape.h"

namespace apps {
namespace {

// A cell: HTML that is already escaped, and its class.
struct Td {
  std::string html, kind;
};
Td text_cell(const std::string& text) { return {html_escape(text.empty() ? "-" : text), ""}; }
Td number_cell(const std::string& text) { return {html_escape(text.empty() ? "-" : text), "n"}; }

// Headers that start with '#' stand over numbers. The first column stays in sight when the table
// scrolls.
void write_table(std::ostream& out, const std::vector<std::string>& headers,
                 const std::vector<std::vector<Td>>& rows) {
  out << "<div class=\"scroll\"><table><thead><tr>";
  for (const std::string& header : headers)
    out << (header.starts_with("#") ? "<th class=\"n\">" + html_escape(header.substr(1))
                                    : "<th>" + html_escape(header))
        << "</th>";
  out << "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    out << "<tr>";
    for (const Td& cell : row)
      out << "<td" << (cell.kind.empty() ? "" : " class=\"" + cell.kind + "\"") << ">" << cell.html
          << "</td>";
    out << "</tr>\n";
  }
  out << "</tbody></table></div>\n";
}

Td strategy_cell(const Summary& summary, const Row& row, const std::string& small = "") {
  return {"<i class=\"key " + colour_class(row.strategy) + "\"></i>" +
              html_escape(row_label(summary, row)) +
              (small.empty() ? "" : "<small>" + html_escape(small) + "</small>"),
          ""};
}

Td score_cell(const Statistic& score, Mark mark) {
  std::string kind = "n score";
  if (mark == Mark::best) kind += " best";
  if (mark == Mark::close) kind += " close";
  return {html_escape(score_text(score)), kind};
}

std::string ratio_text(double measured, double predicted) {
  return predicted > 0 ? format_number(measured / predicted, 2) : "-";
}

std::string seeds_of(const Group& group) {
  std::string out;
  for (const Run& run : group.runs)
    out += (out.empty() ? "" : " ") + (run.seed ? std::to_string(*run.seed) : "?");
  return out;
}

// Our score on a task in the metric of a paper, times 100.
std::optional<Statistic> in_metric(const Group& group, const std::string& metric) {
  std::vector<double> values;
  for (const Run& run : group.runs)
    if (const auto it = run.metrics.find(metric); it != run.metrics.end())
      values.push_back(it->second);
  if (values.empty()) return std::nullopt;
  return statistic(values);
}

}  // namespace

void Distinct::add(const std::string& text) {
  if (!text.empty() && std::find(all_.begin(), all_.end(), text) == all_.end())
    all_.push_back(text);
}

std::string Distinct::text() const {
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(all_.size(), 6); ++i) out += (i ? ", " : "") + all_[i];
  return all_.size() > 6 ? out + ", ..." : out;
}

std::string setting(const Run& run, const char* key) {
  if (!run.settings.contains(key)) return "";
  const engine::Json& value = run.settings[key];
  return value.is_string() ? value.get<std::string>() : engine::json_text(value);
}

void write_matrix(std::ostream& out, const Summary& summary) {
  std::vector<std::string> headers = {"strategy"};
  for (const std::string& task : summary.tasks)
    headers.push_back("#" + (task.empty() ? "-" : task));
  const bool average = summary.tasks.size() > 1;
  if (average) headers.push_back(summary.glue ? "#GLUE average" : "#average");
  headers.insert(headers.end(), {"#trainable", "#%"});
  std::vector<std::vector<Td>> rows;
  for (const Row& row : summary.rows) {
    const Run& run = row.any();
    std::vector<Td> cells = {strategy_cell(summary, row)};
    for (const Cell& cell : row.cells)
      cells.push_back(cell.group ? score_cell(cell.group->score, cell.mark) : number_cell(""));
    if (average)
      cells.push_back(row.average ? score_cell(*row.average, row.average_mark) : number_cell(""));
    cells.push_back(number_cell(run.trainable ? format_count(*run.trainable) : ""));
    cells.push_back(number_cell(run.trainable && run.total ? format_percent(run.percent()) : ""));
    rows.push_back(std::move(cells));
  }
  write_table(out, headers, rows);
}

// Every setting of a task, chosen or not.
void write_details(std::ostream& out, const Summary& summary, size_t task, bool only_chosen) {
  std::vector<std::vector<Td>> rows;
  for (const Row& row : summary.rows)
    for (const Group& group : summary.comparison->groups) {
      const Run& run = group.first();
      if (run.task != summary.tasks[task] || run.model != row.model || run.spec != row.spec)
        continue;
      const bool chosen = row.cells[task].group == &group;
      if (only_chosen && !chosen) continue;
      std::string seeds;
      for (const Run& one : group.runs)
        if (one.score)
          seeds += (seeds.empty() ? "" : "  ") + format_number(100 * *one.score, 2) +
                   (one.seed ? " (" + std::to_string(*one.seed) + ")" : "");
      const double half = half_interval(group.score);
      const std::string interval =
          group.score.count > 1 ? format_number(100 * (group.score.mean - half), 2) + " to " +
                                      format_number(100 * (group.score.mean + half), 2)
                                : "";
      rows.push_back(
          {strategy_cell(summary, row, group.differs),
           score_cell(group.score, chosen ? row.cells[task].mark : Mark::none),
           number_cell(interval), text_cell(seeds),
           number_cell(run.learning_rate() ? format_significant(*run.learning_rate(), 4) : ""),
           text_cell(row.cells[task].settings > 1 ? (chosen ? "chosen" : "not chosen")
                                                  : "the only one"),
           number_cell(run.trainable ? format_count(*run.trainable) : ""),
           number_cell(run.trainable && run.total ? format_percent(run.percent()) : "")});
    }
  write_table(out,
              {"strategy", "#score", "#95 % interval", "score (seed)", "#rate", "setting",
               "#trainable", "#%"},
              rows);
}

void write_costs(std::ostream& out, const Summary& summary, size_t task) {
  std::vector<std::vector<Td>> rows;
  for (const Row& row : summary.rows) {
    const Group* g = row.cells[task].group;
    if (!g) continue;
    const auto flops = [](const Statistic& s) {
      return number_cell(s ? format_flops(s.mean) : "");
    };
    const auto predicted = predict(*g);
    const auto beside = cost_ratio(summary, task, row);
    const double backward = g->gemm_flops.mean - g->forward_flops.mean;
    rows.push_back({strategy_cell(summary, row),
                    number_cell(beside ? format_number(100 * beside->products, 0) + " %" : ""),
                    flops(g->forward_flops), flops(g->input_gradient_flops),
                    flops(g->weight_gradient_flops),
                    number_cell(predicted && g->gemm_flops && g->forward_flops
                                    ? ratio_text(backward, predicted->backward_flops)
                                    : ""),
                    number_cell(g->saved_bytes ? format_bytes(g->saved_bytes.mean) : ""),
                    number_cell(predicted && g->saved_bytes
                                    ? ratio_text(g->saved_bytes.mean, predicted->saved_bytes)
                                    : ""),
                    number_cell(g->peak_bytes ? format_bytes(g->peak_bytes.mean) : ""),
                    number_cell(g->seconds ? format_seconds(g->seconds.mean) : ""),
                    number_cell(g->tokens_per_second ? format_rate(g->tokens_per_second.mean) : ""),
                    number_cell(g->inference_ms ? format_number(g->inference_ms.mean, 2) : ""),
                    number_cell(g->merged_ms ? format_number(g->merged_ms.mean, 2) : "")});
  }
  write_table(out,
              {"strategy", "#products by token", "#forward", "#input gradients",
               "#weight gradients", "#backward ÷ predicted", "#saved for backward",
               "#saved ÷ predicted", "#peak memory", "#time", "#tokens/s", "#ms a text", "#merged"},
              rows);
  std::string reasons;
  for (const Row& row : summary.rows)
    if (row.cells[task].group)
      if (const std::string reason = why(summary, task, row); !reason.empty())
        reasons += "<li><i class=\"key " + colour_class(row.strategy) + "\"></i><b>" +
                   html_escape(row_label(summary, row)) + "</b>: " + html_escape(reason) +
                   ".</li>\n";
  if (!reasons.empty()) out << "<ul class=\"plain\">" << reasons << "</ul>\n";
}

void write_published(std::ostream& out, const Summary& summary) {
  std::ostringstream tables;
  for (const PublishedTable& table : published_tables()) {
    std::vector<size_t> tasks;
    std::vector<std::string> headers = {"strategy", "model", "trained"};
    for (size_t t = 0; t < summary.tasks.size(); ++t)
      if (const auto it = table.metrics.find(summary.tasks[t]); it != table.metrics.end()) {
        tasks.push_back(t);
        headers.push_back("#" + summary.tasks[t] + ", " + it->second);
      }
    if (tasks.empty()) continue;
    std::vector<std::vector<Td>> rows;
    for (const PublishedRow& row : table.rows) {
      std::vector<Td> cells = {{"<i class=\"key hollow " + colour_class(row.strategy) + "\"></i>" +
                                    html_escape(row.name),
                                ""},
                               text_cell(table.model),
                               text_cell(row.trained)};
      for (const size_t t : tasks) {
        const auto it = row.scores.find(summary.tasks[t]);
        cells.push_back(number_cell(it == row.scores.end()
                                        ? ""
                                        : format_number(it->second.mean, 1) +
                                              (it->second.deviation
                                                   ? " ± " + format_number(*it->second.deviation, 1)
                                                   : "")));
      }
      rows.push_back(std::move(cells));
    }
    for (const Row& row : summary.rows) {
      const bool theirs =
          std::any_of(table.rows.begin(), table.rows.end(),
                      [&](const PublishedRow& r) { return r.strategy == row.strategy; });
      if (!theirs) continue;
      std::vector<Td> cells = {
          strategy_cell(summary, row), text_cell("ours: " + short_model(row.model)),
          text_cell(row.any().trainable ? format_percent(row.any().percent()) : "")};
      bool any = false;
      for (const size_t t : tasks) {
        const Group* group = row.cells[t].group;
        const auto score =
            group ? in_metric(*group, table.metrics.at(summary.tasks[t])) : std::nullopt;
        any = any || score;
        cells.push_back(number_cell(score ? score_text(*score) : ""));
      }
      if (any) rows.push_back(std::move(cells));
    }
    tables << "<h3>" << html_escape(table.paper + ": " + table.model) << "</h3>\n<p class=\"soft\">"
           << html_escape("Theirs: " + table.split + " set" +
                          (table.split == "test" ? ", ours: dev set" : "") + "; " + table.note)
           << ".</p>\n";
    write_table(tables, headers, rows);
  }
  if (tables.str().empty()) return;
  out << "<h2>Beside published numbers</h2>\n<p class=\"soft\">Other models, other budgets: the "
         "order of strategies compares, the numbers do not.</p>\n"
      << tables.str();
}

void write_settings(std::ostream& out, const Summary& summary) {
  std::vector<std::vector<Td>> rows;
  for (const Group& group : summary.comparison->groups) {
    const Run& run = group.first();
    Distinct dates, machines, revisions, folders, notes, selection;
    for (const Run& one : group.runs) {
      dates.add(one.date);
      machines.add(one.machine);
      revisions.add(one.revision);
      folders.add(one.folder_text());
      selection.add(one.selection);
      for (const std::string& note : one.notes) notes.add(note);
    }
    rows.push_back({text_cell(group.label()), text_cell(run.task), text_cell(run.model),
                    number_cell(setting(run, "lr")), text_cell(setting(run, "schedule")),
                    number_cell(setting(run, "warmup_ratio")),
                    number_cell(setting(run, "weight_decay")), number_cell(setting(run, "epochs")),
                    number_cell(setting(run, "batch_size")), text_cell(seeds_of(group)),
                    text_cell(selection.text()), text_cell(machines.text()),
                    text_cell(dates.text()), text_cell(revisions.text()), text_cell(notes.text()),
                    text_cell(folders.text())});
  }
  out << "<h2>How it was run</h2>\n";
  write_table(
      out,
      {"experiment", "task", "model", "#rate", "schedule", "#warm-up", "#weight decay", "#epochs",
       "#batch", "seeds", "parameters scored", "machine", "date", "revision", "notes", "folders"},
      rows);
}

}  // namespace apps
