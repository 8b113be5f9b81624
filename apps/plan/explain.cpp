#include "apps/plan/explain.h"

#include <algorithm>

#include "apps/common/command_line.h"
#include "apps/common/format.h"
#include "apps/common/table.h"

namespace apps {
namespace {

using run::Explained;
using run::ExplainedBlock;
using run::ExplainedOp;
using run::ExplainedParameter;

std::string text_of(const engine::Json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::string text;
  if (value.is_object()) {
    for (const auto& [key, item] : value.items())
      if (!item.empty()) text += (text.empty() ? "" : ", ") + key + " " + text_of(item);
    return text;
  }
  if (!value.is_array()) return engine::json_text(value);
  for (const engine::Json& item : value)
    text += (text.empty() ? "" : item.is_object() ? "; " : "+") + text_of(item);
  return text;
}

std::string head(const Explained& e) {
  std::string out = engine::concat(e.spec, " on ", e.model_type, ", ", e.layers, " layers\n");
  const std::string options = text_of(e.options);
  if (!options.empty()) out += "options: " + options + "\n";
  out += e.count.injected > 0
             ? engine::concat("adds ", format_count(e.count.injected), " parameters to ",
                              format_count(e.count.total - e.count.injected))
             : engine::concat("adds nothing to ", format_count(e.count.total), " parameters");
  return engine::concat(out, "; ", format_count(e.count.trainable), " learn (",
                        format_percent(e.count.percent()), ")\n");
}

// "lora_A.weight" says its shape; a model's own weight or bias need not.
std::string parameter_text(const ExplainedParameter& p, bool with_shape) {
  std::string name =
      p.name.ends_with(".weight") && p.added ? p.name.substr(0, p.name.size() - 7) : p.name;
  if (with_shape) name += engine::concat(" ", p.shape);
  return name;
}

std::string parameters_text(const ExplainedOp& op) {
  std::string learn, frozen;
  for (const ExplainedParameter& p : op.parameters) {
    std::string& to = p.learns ? learn : frozen;
    to += (to.empty() ? "" : ", ") + parameter_text(p, p.learns);
  }
  if (learn.empty()) return frozen.empty() ? "" : frozen + " frozen";
  return (op.added ? "added: " : "learns: ") + learn +
         (frozen.empty() ? "" : "; " + frozen + " frozen");
}

const char* mark(const ExplainedOp& op) {
  if (op.added) return "│ └+";
  const bool adds = std::any_of(op.parameters.begin(), op.parameters.end(),
                                [](const ExplainedParameter& p) { return p.added; });
  const bool learns = std::any_of(op.parameters.begin(), op.parameters.end(),
                                  [](const ExplainedParameter& p) { return p.learns; });
  if (adds) return "├─+";
  return learns ? "├─●" : op.parameters.empty() ? "├──" : "├─○";
}

std::string drawing(const std::vector<ExplainedOp>& ops, int width) {
  Table table({{""},
               {"op", Align::left, Fit::cut, 0, 12},
               {"where", Align::left, Fit::cut_front, 0, 16},
               {"parameters", Align::left, Fit::wrap, 0, 20}});
  for (const ExplainedOp& op : ops) {
    std::string what = parameters_text(op);
    for (const std::string& from : op.from) what += (what.empty() ? "" : "; ") + ("+ " + from);
    table.add({mark(op), op.op, op.module, what});
  }
  return table.text(width);
}

}  // namespace

std::string explain_text(const Explained& e, int width) {
  std::string out = wrap(head(e), width > 0 ? width : 1 << 20, 2);
  if (!e.groups.empty()) {
    Table table({{"what learns (* is every layer)", Align::left, Fit::cut_front, 0, 30},
                 {"tensors", Align::right},
                 {"shape"},
                 {"values", Align::right},
                 {"", Align::left, Fit::fixed, 1}});
    for (const run::ExplainedGroup& g : e.groups)
      table.add({g.name, format_count(g.tensors), engine::concat(g.shape), format_count(g.scalars),
                 g.added ? "added" : ""});
    out += "\n" + table.text(width);
  }
  out += "\n○ frozen   ● learns   + added, and learns\n";
  if (!e.outside.empty()) out += "\noutside of the blocks\n" + drawing(e.outside, width);
  for (const ExplainedBlock& block : e.blocks) {
    std::string title = block.frame;
    if (!block.like.empty())
      title +=
          engine::concat(block.like.size() == 1 ? ", and " : ", and so to ", block.like.back());
    title += block.learns ? "\n" : ": nothing learns\n";
    out += "\n" + wrap(title, width > 0 ? width : 1 << 20, 2) + drawing(block.ops, width);
  }
  return out;
}

}  // namespace apps
