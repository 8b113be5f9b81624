#include "apps/finetune/scores.h"

#include <sstream>

#include "apps/common/format.h"
#include "apps/common/plain_text.h"
#include "apps/common/table.h"
#include "engine/base/error.h"

namespace apps {

using engine::Json;

namespace {

constexpr size_t kMostClasses = 30, kMostConfused = 10;

std::string number(const Json& value) {
  return value.is_number() ? format_number(value.get<double>(), 4) : std::string("not defined");
}

std::string indented(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) out += "  " + line + "\n";
  return out;
}

std::string class_table(const Json& classes, const char* title) {
  Table table({{title},
               {"precision", Align::right},
               {"recall", Align::right},
               {"f1", Align::right},
               {"examples", Align::right},
               {"predicted", Align::right}});
  for (size_t c = 0; c < std::min(classes.size(), kMostClasses); ++c) {
    const Json& row = classes[c];
    table.add({row.at("label").get<std::string>(), number(row.at("precision")),
               number(row.at("recall")), number(row.at("f1")),
               format_count(static_cast<int64_t>(row.at("support").get<double>())),
               format_count(static_cast<int64_t>(row.at("predicted").get<double>()))});
  }
  std::string text = indented(table.text(terminal_width()));
  if (classes.size() > kMostClasses)
    text += engine::concat("  ... ", classes.size() - kMostClasses, " more are in run.json\n");
  return text;
}

std::string confusion_table(const Json& classes, const Json& confusion) {
  if (classes.size() > kMostConfused) return "";
  std::vector<Column> columns = {{"label \\ predicted"}};
  for (const Json& c : classes) columns.push_back({c.at("label").get<std::string>(), Align::right});
  Table table(columns);
  for (size_t t = 0; t < classes.size(); ++t) {
    std::vector<std::string> cells = {classes[t].at("label").get<std::string>()};
    for (const Json& n : confusion[t]) cells.push_back(format_count(n.get<int64_t>()));
    table.add(cells);
  }
  return indented(table.text(terminal_width()));
}

}  // namespace

std::string scores_text(const data::TaskInfo& info, const std::string& split, const Json& scores) {
  std::string out = split + ":";
  for (const std::string& name : info.metrics)
    if (scores.contains(name)) out += "  " + name + " " + number(scores.at(name));
  return plain_text(out) + "  loss " + number(scores.at("loss")) + "  (" +
         format_count(scores.at("examples").get<int64_t>()) + " examples)\n";
}

std::string report_text(const Json& scores) {
  if (!scores.contains("report")) return "";
  const Json& r = scores.at("report");
  std::string out;
  if (r.contains("majority_class"))
    out += engine::concat("  always '", r.at("majority_class").get<std::string>(),
                          "' would give accuracy ", number(r.at("majority_accuracy")), "\n");
  if (r.contains("mean_mse"))
    out += engine::concat("  pearson ", number(r.at("pearson")), ", spearman ",
                          number(r.at("spearman")), ", mean squared error ", number(r.at("mse")),
                          " (always the mean: ", number(r.at("mean_mse")),
                          "), mean absolute error ", number(r.at("mae")), "\n");
  if (r.contains("macro_f1"))
    out += engine::concat("  macro F1 ", number(r.at("macro_f1")),
                          r.contains("micro_f1") ? ", micro F1 " + number(r.at("micro_f1")) : "",
                          r.contains("matthews") ? ", Matthews " + number(r.at("matthews")) : "",
                          "\n");
  if (r.contains("classes")) out += class_table(r.at("classes"), "class");
  if (r.contains("types")) out += class_table(r.at("types"), "entity");
  if (r.contains("confusion")) out += confusion_table(r.at("classes"), r.at("confusion"));
  if (r.contains("note")) out += "  note: " + r.at("note").get<std::string>() + "\n";
  return plain_text(out, "\n");
}

std::string text_scores_text(const Json& scores) {
  const std::string what = scores.contains("tables") ? "tables" : "sources";
  const auto tables = scores.at(what).get<int64_t>(), all = scores.at("of").get<int64_t>();
  std::string out;
  for (const auto& [name, set] : scores.at("sets").items()) {
    out += engine::concat("texts     of ", format_count(set.at("hypotheses").get<int64_t>()),
                          name == "all" && tables == all ? " " + what + " of dev:" : "",
                          name == "all" && tables != all
                              ? " of the " + format_count(all) + " " + what + " of dev:"
                              : "",
                          name != "all" ? " " + what + ", " + name + ":" : "");
    for (const auto& [metric, score] : set.at("scores").items())
      out += "  " + metric + " " + number(score.at("value"));
    out += "\n";
  }
  return plain_text(out, "\n") + "          written by " +
         (scores.at("generation").empty() ? std::string("the model's own settings")
                                          : engine::json_text(scores.at("generation"))) +
         " in " + format_seconds(scores.at("seconds").get<double>()) + " to dev_texts.txt\n";
}

}  // namespace apps
