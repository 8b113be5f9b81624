#include "apps/common/format.h"
#include "apps/compare/report.h"
#include "apps/page/escape.h"

namespace apps {
namespace {

std::string cell_text(const Statistic& score, Mark mark) {
  if (!score) return "--";
  std::string mean = format_number(100 * score.mean, 1);
  if (mark == Mark::best) mean = "\\textbf{" + mean + "}";
  if (mark == Mark::close) mean = "\\underline{" + mean + "}";
  return score.count > 1
             ? mean + "\\,{\\scriptsize$\\pm$" + format_number(100 * score.deviation, 1) + "}"
             : mean;
}

}  // namespace

std::string latex_report(const Summary& summary) {
  const bool average = summary.tasks.size() > 1;
  std::string out =
      "% written by peft.cpp compare; needs \\usepackage{booktabs}\n"
      "\\begin{table}\n\\centering\n\\begin{tabular}{lr" +
      std::string(summary.tasks.size() + (average ? 1 : 0), 'r') +
      "}\n\\toprule\nStrategy & Trainable (\\%)";
  for (const std::string& task : summary.tasks) out += " & " + latex_text(task);
  if (average) out += summary.glue ? " & GLUE" : " & Average";
  out += " \\\\\n";
  const std::string* model = nullptr;
  for (const Row& row : summary.rows) {
    if (!model || *model != row.model) {
      out += "\\midrule\n";
      if (summary.comparison->several_models)
        out += "\\multicolumn{" + std::to_string(2 + summary.tasks.size() + (average ? 1 : 0)) +
               "}{l}{\\emph{" + latex_text(row.model) + "}} \\\\\n";
    }
    model = &row.model;
    const Run& run = row.any();
    out += latex_text(row.spec.empty() ? "--" : row.spec) + " & " +
           (run.trainable && run.total ? format_significant(run.percent(), 3) : "--");
    for (const Cell& cell : row.cells)
      out += " & " + (cell.group ? cell_text(cell.group->score, cell.mark) : std::string("--"));
    if (average)
      out += " & " + (row.average ? cell_text(*row.average, row.average_mark) : std::string("--"));
    out += " \\\\\n";
  }
  out += "\\bottomrule\n\\end{tabular}\n\\caption{";
  for (const std::string& line : explanations(summary)) out += latex_text(line) + " ";
  for (const Row& row : summary.rows)
    if (!row.model.empty() && !summary.comparison->several_models) {
      out += "Model: " + latex_text(row.model) + ".";
      break;
    }
  for (size_t at; (at = out.find("±")) != std::string::npos;)
    out.replace(at, std::string("±").size(), "$\\pm$");
  return out + "}\n\\end{table}\n";
}

}  // namespace apps
