#include "apps/compare/page.h"

#include <algorithm>
#include <sstream>

#include "apps/common/format.h"
#include "apps/compare/assets.h"
#include "apps/compare/page_tables.h"
#include "apps/compare/report.h"
#include "apps/page/escape.h"
#include "apps/page/page.h"
#include "engine/base/version.h"

namespace apps {
namespace {

// A place for a chart of report.js, which fills in the drawing and its numbers.
void write_figure(std::ostream& out, const std::string& kind, size_t task, const std::string& title,
                  const std::string& caption) {
  out << "<figure data-chart=\"" << kind << "\" data-task=\"" << task << "\"><h3>"
      << html_escape(title) << "</h3><div class=\"canvas\"><canvas role=\"img\" aria-label=\""
      << html_escape(title) << "\"></canvas></div><figcaption>" << html_escape(caption)
      << "</figcaption></figure>\n";
}

// "3,668 training and 408 dev examples; ..." of a task.
std::string task_facts(const Summary& summary, size_t task) {
  Distinct train, dev, length, epochs, batch, seeds;
  const auto add = [](Distinct& to, const std::optional<int64_t>& value) {
    if (value) to.add(format_count(*value));
  };
  for (const Group& group : summary.comparison->groups) {
    if (group.first().task != summary.tasks[task]) continue;
    for (const Run& run : group.runs) {
      add(train, run.data.train_examples);
      add(dev, run.data.dev_examples);
      add(length, run.data.max_length);
      epochs.add(setting(run, "epochs"));
      batch.add(setting(run, "batch_size"));
      if (run.seed) seeds.add(std::to_string(*run.seed));
    }
  }
  std::string out;
  const auto say = [&](const Distinct& d, const std::string& before, const std::string& after) {
    if (!d.text().empty()) out += (out.empty() ? "" : "; ") + before + d.text() + after;
  };
  say(train, "", " training examples");
  say(dev, "", " dev examples");
  say(epochs, "epochs: ", "");
  say(batch, "batch: ", "");
  say(length, "at most ", " tokens");
  say(seeds, "seeds: ", "");
  return out;
}

void write_references(std::ostream& out, const engine::Json& task) {
  if (task["references"].empty()) return;
  out << "<p class=\"soft\">Without a transformer: ";
  bool first = true;
  for (const engine::Json& line : task["references"]) {
    out << (first ? "" : ", ") << html_escape(line["name"].get<std::string>()) << " "
        << format_number(line["score"].get<double>(), 2);
    first = false;
  }
  out << ".</p>\n";
}

void write_task(std::ostream& out, const Summary& summary, size_t t, const engine::Json& data) {
  const engine::Json& task = data["tasks"][t];
  const auto some = [&](auto&& holds) {
    return std::any_of(task["rows"].begin(), task["rows"].end(), holds);
  };
  out << "<h2>" << html_escape(task["name"].get<std::string>())
      << "</h2>\n<p class=\"soft\">Score: " << html_escape(task["metric"].get<std::string>())
      << ", times 100, on the dev set. " << html_escape(task_facts(summary, t)) << ".</p>\n";
  write_references(out, task);
  write_figure(out, "score", t, "Score against trainable parameters",
               "Small: one seed. Large: their mean, with its 95 % interval. Dashed: no other has a "
               "better mean with as few trainable parameters.");
  write_details(out, summary, t, true);
  const auto settings =
      std::count_if(summary.comparison->groups.begin(), summary.comparison->groups.end(),
                    [&](const Group& group) { return group.first().task == summary.tasks[t]; });
  if (static_cast<size_t>(settings) > task["rows"].size()) {
    out << "<details><summary>all " << settings << " settings</summary>\n";
    write_details(out, summary, t, false);
    out << "</details>\n";
  }
  if (some([](const engine::Json& row) { return row["rates"].size() > 1; }))
    write_figure(out, "rates", t, "Score by learning rate",
                 "Means over the seeds of each setting; rates with one seed say little.");
  out << "<h3>Cost</h3>\n";
  if (some([](const engine::Json& row) { return !row["products"].is_null(); }))
    write_figure(out, "products", t, "Matrix products by purpose",
                 "FLOP for a training token; forward counts the evaluations as well.");
  out << "<div class=\"pair\">\n";
  if (some([](const engine::Json& row) { return !row["seconds"].is_null(); }))
    write_figure(out, "seconds", t, "Time", "Training and evaluation.");
  if (some([](const engine::Json& row) { return !row["peak"].is_null(); }))
    write_figure(out, "memory", t, "Memory", "Of the process at its peak, weights included.");
  out << "</div>\n";
  write_costs(out, summary, t);
  const auto has_curve = [](const char* which, size_t least) {
    return [=](const engine::Json& row) {
      return std::any_of(row["curves"].begin(), row["curves"].end(),
                         [&](const engine::Json& c) { return c[which].size() >= least; });
    };
  };
  if (some(has_curve("loss", 1)))
    write_figure(out, "loss", t, "Training loss",
                 "Means of equal stretches of steps; a line for each seed.");
  if (some(has_curve("score", 2)))
    write_figure(out, "curve", t, "Score while training", "On the dev set; a line for each seed.");
}

void write_list(std::ostream& out, const std::string& title, const std::string& lead,
                const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out << "<h2>" << html_escape(title) << "</h2>\n";
  if (!lead.empty()) out << "<p>" << html_escape(lead) << "</p>\n";
  out << "<ul class=\"plain\">";
  for (const std::string& line : lines) out << "<li>" << html_escape(line) << "</li>\n";
  out << "</ul>\n";
}

void write_head(std::ostream& out, const Summary& summary) {
  Distinct models, dates, revisions, machines;
  size_t runs = 0;
  std::string first, last;
  for (const Group& group : summary.comparison->groups) {
    runs += group.runs.size();
    for (const Run& run : group.runs) {
      models.add(run.model);
      revisions.add(run.revision);
      machines.add(run.machine);
      if (run.date.empty()) continue;
      first = first.empty() ? run.date : std::min(first, run.date);
      last = std::max(last, run.date);
    }
  }
  const size_t groups = summary.comparison->groups.size();
  out << "<h1>Comparison of fine-tuning strategies</h1>\n<p class=\"soft\">" << runs
      << (runs == 1 ? " run" : " runs") << " of " << groups
      << (groups == 1 ? " experiment" : " experiments");
  const auto say = [&](const char* what, const std::string& text) {
    if (!text.empty()) out << ". " << what << ": " << html_escape(text);
  };
  say("Model", models.text());
  say("Machine", machines.text());
  say("Date", first == last ? first : first + " to " + last);
  say("Revision", revisions.text());
  out << ".</p>\n";
}

}  // namespace

std::string html_report(const Summary& summary) {
  const engine::Json data = page_data(summary);
  std::ostringstream out;
  write_head(out, summary);
  if (!summary.rows.empty()) {
    out << "<h2>Results</h2>\n";
    write_matrix(out, summary);
    out << "<p class=\"soft\">";
    for (const std::string& line : explanations(summary)) out << html_escape(line) << " ";
    out << "Best is bold, close is underlined.</p>\n";
  }
  if (!data["average"].empty())
    write_figure(out, "average", 0, "Average score against trainable parameters",
                 "Of strategies that have every task. Small: one seed. Large: the mean, with its "
                 "95 % interval.");
  for (size_t t = 0; t < summary.tasks.size(); ++t) write_task(out, summary, t, data);
  write_published(out, summary);
  if (!summary.rows.empty()) write_settings(out, summary);
  write_list(out, "How settings were chosen",
             "On the dev set that the scores are of, so a score of many settings is a little too "
             "good.",
             selections(summary));
  std::vector<std::string> uncounted;
  for (const Run& run : summary.comparison->uncounted)
    uncounted.push_back(run.folder_text() + ": " + run.problem);
  write_list(out, "Not counted", "", uncounted);
  out << "<p class=\"soft foot\">Written by peft.cpp " << html_escape(engine::version())
      << ". Charts: Chart.js, MIT licence.</p>\n";
  return html_page({"Comparison of fine-tuning strategies",
                    assets::report_css(),
                    out.str(),
                    data,
                    {assets::chart_js(), assets::report_js()}});
}

}  // namespace apps
