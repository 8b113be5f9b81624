#include <algorithm>
#include <map>
#include <sstream>

#include "apps/common/format.h"
#include "apps/compare/chart.h"
#include "apps/compare/report.h"
#include "engine/base/version.h"
#include "engine/io/run_folder.h"

namespace apps {
namespace {

using Points = std::vector<std::pair<double, double>>;

constexpr int kColours = 10;
constexpr size_t kMostPoints = 150;  // of a curve: more cannot be seen

// Okabe and Ito's colours, and three more, told apart by most people; a second set for dark pages.
constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --page: #fff; --ink: #1c2330; --soft: #5b6675; --rule: #e3e7ec; --panel: #f7f8fa; }
@media (prefers-color-scheme: dark) { :root { --page: #14181f; --ink: #e6e9ee; --soft: #9aa4b2; --rule: #2c3440; --panel: #1b212a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--page); color: var(--ink);
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; } h3 { font-size: .95rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0; } .soft, figcaption { color: var(--soft); font-size: .88rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 2px solid var(--rule); }
th, td { padding: .4rem .6rem; white-space: nowrap; } td { border-bottom: 1px solid var(--rule); }
th.n, td.n { text-align: right; } tr.best td.score { font-weight: 700; }
td small { color: var(--soft); margin-left: .5rem; }
i.key { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin-right: .5rem; background: currentColor; }
figure { margin: .5rem 0 0; padding: .75rem; background: var(--panel); border-radius: 8px; } svg { display: block; width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--ink); } svg text.tick, svg text.axis { fill: var(--soft); }
.grid { stroke: var(--rule); stroke-width: 1; } .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.faint { opacity: .35; stroke-width: 1.2; } .dot { fill: currentColor; } .bar { stroke: currentColor; stroke-width: 2; }
.c0 { color: #0072b2; } .c1 { color: #d55e00; } .c2 { color: #009e73; } .c3 { color: #cc79a7; } .c4 { color: #b58900; }
.c5 { color: #56b4e9; } .c6 { color: #7b5bc4; } .c7 { color: #a3413b; } .c8 { color: #6b7f1f; } .c9 { color: #6c757d; }
ul.plain { padding-left: 1.1rem; }
)";

struct Curves {
  Points loss, score;
};

// Means of equal stretches, so that a long run is as light as a short one.
Points thinned(const Points& points) {
  if (points.size() <= kMostPoints) return points;
  Points out;
  for (size_t i = 0; i < kMostPoints; ++i) {
    const size_t begin = i * points.size() / kMostPoints,
                 end = (i + 1) * points.size() / kMostPoints;
    std::pair<double, double> mean{0, 0};
    for (size_t j = begin; j < end; ++j) {
      mean.first += points[j].first / static_cast<double>(end - begin);
      mean.second += points[j].second / static_cast<double>(end - begin);
    }
    out.push_back(mean);
  }
  return out;
}

// The mean of each point and its neighbours: single updates are noise.
Points smoothed(const Points& points) {
  const auto reach = static_cast<int64_t>(points.size() / 50),
             n = static_cast<int64_t>(points.size());
  Points out = points;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t r = std::min({reach, i, n - 1 - i});
    double sum = 0;
    for (int64_t j = i - r; j <= i + r; ++j) sum += points[static_cast<size_t>(j)].second;
    out[static_cast<size_t>(i)].second = sum / static_cast<double>(2 * r + 1);
  }
  return out;
}

Curves curves_of(const Run& run) {
  Curves curves;
  std::vector<engine::Json> lines;
  try {
    lines = engine::read_metrics(run.folder / "metrics.jsonl");
  } catch (const std::exception&) {
    return curves;  // the table stands without it
  }
  for (const engine::Json& line : lines) {
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number()) continue;
    const double step = line["step"].get<double>();
    if (line.contains("loss") && line["loss"].is_number())
      curves.loss.emplace_back(step, line["loss"].get<double>());
    if (!line.contains("eval") || !line["eval"].is_object()) continue;
    double sum = 0;
    int count = 0;
    for (const auto& [split, values] : line["eval"].items())
      if (split.starts_with("dev") && values.is_object() && values.contains("score") &&
          values["score"].is_number()) {
        sum += values["score"].get<double>();
        ++count;
      }
    if (count > 0) curves.score.emplace_back(step, 100 * sum / count);
  }
  curves.loss = thinned(smoothed(curves.loss));
  return curves;
}

std::string cell(const std::string& text, const char* kind = "") {
  return std::string("<td") + (*kind ? std::string(" class=\"") + kind + "\"" : "") + ">" + text +
         "</td>";
}

std::string label_of(const Group& group) {
  return group.first().spec + (group.differs.empty() ? "" : " " + group.differs);
}

void write_table(std::ostream& out, const std::vector<const Group*>& groups, bool several_models) {
  double best = -1e300;
  for (const Group* g : groups)
    if (g->score) best = std::max(best, g->score.mean);
  out << "<div class=\"scroll\"><table><thead><tr><th>strategy</th>"
      << (several_models ? "<th>model</th>" : "")
      << "<th class=\"n\">trainable</th><th class=\"n\">%</th><th class=\"n\">score</th><th "
         "class=\"n\">seeds</th><th class=\"n\">time</th>"
         "<th class=\"n\">tokens/s</th><th class=\"n\">memory</th><th class=\"n\">GEMM "
         "FLOP</th></tr></thead><tbody>\n";
  for (size_t i = 0; i < groups.size(); ++i) {
    const Group& g = *groups[i];
    const Run& run = g.first();
    out << "<tr" << (g.score && g.score.mean == best && groups.size() > 1 ? " class=\"best\"" : "")
        << ">"
        << cell("<i class=\"key c" + std::to_string(i % kColours) + "\"></i>" +
                html_escape(run.spec.empty() ? "-" : run.spec) +
                (g.differs.empty() ? "" : "<small>" + html_escape(g.differs) + "</small>"));
    if (several_models) out << cell(html_escape(run.model));
    out << cell(run.trainable ? format_count(*run.trainable) : "-", "n")
        << cell(run.trainable && run.total ? format_percent(run.percent()) : "-", "n")
        << cell(score_text(g.score), "n score") << cell(std::to_string(g.runs.size()), "n")
        << cell(g.seconds ? format_seconds(g.seconds.mean) : "-", "n")
        << cell(g.tokens_per_second ? format_rate(g.tokens_per_second.mean) : "-", "n")
        << cell(g.peak_bytes ? format_bytes(g.peak_bytes.mean) : "-", "n")
        << cell(g.gemm_flops ? format_flops(g.gemm_flops.mean) : "-", "n") << "</tr>\n";
  }
  out << "</tbody></table></div>\n";
}

void write_figure(std::ostream& out, const char* title, const Chart& chart, const char* caption) {
  const std::string picture = svg(chart);
  if (picture.empty()) return;
  out << "<h3>" << title << "</h3><figure>" << picture << "<figcaption>" << caption
      << "</figcaption></figure>\n";
}

void write_task(std::ostream& out, const std::string& task, const std::vector<const Group*>& groups,
                bool several_models) {
  out << "<h2>" << html_escape(task.empty() ? "unnamed task" : task) << "</h2>\n";
  write_table(out, groups, several_models);
  Chart against{"trainable parameters", "score", true, {}},
      loss{"update", "training loss", false, {}}, score{"update", "score", false, {}};
  for (size_t i = 0; i < groups.size(); ++i) {
    const Group& g = *groups[i];
    const int colour = static_cast<int>(i % kColours);
    if (g.score && g.first().trainable)
      against.series.push_back(
          {g.first().strategy.empty() || !g.differs.empty() ? label_of(g) : g.first().spec,
           colour,
           {{static_cast<double>(*g.first().trainable), 100 * g.score.mean}},
           {100 * g.score.deviation},
           false,
           false});
    for (size_t r = 0; r < g.runs.size(); ++r) {
      const Curves curves = curves_of(g.runs[r]);
      const std::string label =
          label_of(g) + (g.runs[r].seed ? ", seed " + std::to_string(*g.runs[r].seed) : "");
      loss.series.push_back({label, colour, curves.loss, {}, true, r > 0});
      if (curves.score.size() > 1)
        score.series.push_back({label, colour, curves.score, {}, true, r > 0});
    }
  }
  write_figure(out, "Score against trainable parameters", against,
               "On the development set; bars are one standard deviation over seeds.");
  write_figure(
      out, "Training loss", loss,
      "Smoothed. Colours as in the table; further seeds are faint. Point at a line for its name.");
  write_figure(out, "Score while training", score, "On the development set.");
}

}  // namespace

std::string html_report(const Comparison& comparison) {
  std::ostringstream out;
  size_t runs = 0;
  std::map<std::string, std::vector<const Group*>> tasks;
  for (const Group& group : comparison.groups) {
    runs += group.runs.size();
    tasks[group.first().task].push_back(&group);
  }
  out << "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\">"
      << "<title>Comparison of runs</title><style>" << kStyle
      << "</style></head><body>\n<h1>Comparison of runs</h1>\n<p class=\"soft\">" << runs
      << (runs == 1 ? " run" : " runs") << " of " << comparison.groups.size()
      << (comparison.groups.size() == 1 ? " experiment" : " experiments")
      << ". Scores are on the development set, times 100";
  if (runs > comparison.groups.size()) out << "; mean ± standard deviation over seeds";
  out << ".</p>\n";
  if (!comparison.several_models && !comparison.groups.empty() &&
      !comparison.groups.front().first().model.empty())
    out << "<p class=\"soft\">Model: " << html_escape(comparison.groups.front().first().model)
        << "</p>\n";
  for (const auto& [task, groups] : tasks) write_task(out, task, groups, comparison.several_models);
  if (!comparison.uncounted.empty()) {
    out << "<h2>Not counted</h2><ul class=\"plain\">";
    for (const Run& run : comparison.uncounted)
      out << "<li>" << html_escape(run.folder.string()) << ": " << html_escape(run.problem)
          << "</li>\n";
    out << "</ul>\n";
  }
  out << "<p class=\"soft\" style=\"margin-top:3rem\">Written by peft.cpp "
      << html_escape(engine::version()) << ".</p>\n</body></html>\n";
  return out.str();
}

}  // namespace apps
