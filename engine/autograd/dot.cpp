#include "engine/autograd/dot.h"

#include <cmath>
#include <map>
#include <sstream>

#include "engine/base/html.h"

namespace engine {
namespace {

// Three digits and a unit: 1536 -> "1.54 k".
std::string short_number(double value, double base, const char* const (&units)[5]) {
  int unit = 0;
  while (value >= base && unit < 4) {
    value /= base;
    ++unit;
  }
  std::ostringstream out;
  out.precision(3);
  out << (value >= 100 ? std::round(value) : value) << ' ' << units[unit];
  return out.str();
}
std::string flops_text(double flops) {
  return short_number(flops, 1000, {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"});
}
std::string bytes_text(int64_t bytes) {
  return short_number(static_cast<double>(bytes), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

struct ModuleBox {
  std::string name, frame;
  std::vector<const TraceEntry*> parameters;
};

const char* colour(bool trains) { return trains ? "#1b4f9c" : "#999999"; }

}  // namespace

std::string to_dot(const Trace& trace, const LeafName& leaf_name) {
  std::vector<ModuleBox> modules;
  std::map<std::string, size_t> module_at;   // name -> index
  std::map<int32_t, size_t> module_of_leaf;  // id -> index
  std::map<int32_t, const TraceEntry*> by_id;
  std::map<int32_t, std::string> frame;  // of an op
  const std::vector<TracePlace> places = trace_places(trace, leaf_name);
  for (size_t i = 0; i < trace.size(); ++i) {
    const TraceEntry& e = trace[i];
    by_id[e.output] = &e;
    frame[e.output] = places[i].frame;
    if (!e.leaf) continue;
    const auto [it, is_new] = module_at.emplace(places[i].module, modules.size());
    if (is_new) modules.push_back({places[i].module, places[i].frame, {}});
    modules[it->second].parameters.push_back(&e);
    module_of_leaf[e.output] = it->second;
  }

  std::map<std::string, std::ostringstream> framed;
  for (size_t i = 0; i < modules.size(); ++i) {
    std::ostringstream& out = framed[modules[i].frame];
    const std::string inside =
        modules[i].frame.empty()
            ? modules[i].name
            : modules[i].name.substr(std::min(modules[i].name.size(), modules[i].frame.size() + 1));
    out << "  m" << i
        << " [shape=plain label=<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\"><tr><td "
           "bgcolor=\"#f4f4f4\">"
        << html_escape(inside.empty() ? "parameters" : inside) << "</td></tr>";
    for (const TraceEntry* p : modules[i].parameters) {
      const std::string full = leaf_name(*p->leaf),
                        last =
                            full.substr(modules[i].name.empty() ? 0 : modules[i].name.size() + 1);
      out << "<tr><td><font color=\"" << colour(p->recorded) << "\">" << html_escape(last) << " ("
          << p->shape.rows << ", " << p->shape.cols << ")" << (p->recorded ? "" : " frozen")
          << "</font></td></tr>";
    }
    out << "</table>>];\n";
  }
  std::ostringstream edges;
  std::map<int32_t, bool> unknown;
  for (const TraceEntry& e : trace) {
    if (e.leaf) continue;
    std::ostringstream& out = framed[frame[e.output]];
    out << "  n" << e.output << " [shape=box style=\"rounded,filled\" color=\""
        << colour(e.recorded) << "\" fontcolor=\"" << (e.recorded ? "#000000" : "#999999")
        << "\" fillcolor=\"" << (e.recorded ? "#dce8f8" : "#f4f4f4") << "\" label=\""
        << html_escape(e.op) << " (" << e.shape.rows << ", " << e.shape.cols << ")";
    if (e.flops > 0) out << "\\n" << flops_text(e.flops);
    if (e.saved_bytes > 0) out << "\\nkeeps " << bytes_text(e.saved_bytes);
    out << "\"];\n";
    std::map<std::string, bool>
        drawn;  // several parameters of one module make one edge, solid if one of them trains
    for (const int32_t id : e.inputs) {
      const auto m = module_of_leaf.find(id);
      const auto found = by_id.find(id);
      if (found == by_id.end()) unknown[id] = true;
      const std::string from = m != module_of_leaf.end() ? concat("m", m->second) : concat("n", id);
      bool& solid = drawn.emplace(from, false).first->second;
      solid = solid || found == by_id.end() || found->second->recorded;
    }
    for (const auto& [from, solid] : drawn)
      edges << "  " << from << " -> n" << e.output << " [color=\"" << colour(solid) << "\""
            << (solid ? "" : " style=dashed") << "];\n";
  }

  std::ostringstream dot;
  dot << "digraph step {\n  rankdir=BT;\n  node [fontname=\"Helvetica\" fontsize=10];\n";
  for (const auto& [id, _] : unknown) dot << "  n" << id << " [shape=ellipse label=\"input\"];\n";
  int clusters = 0;
  for (const auto& [name, body] : framed) {
    if (name.empty()) {
      dot << body.str();
      continue;
    }
    dot << "  subgraph cluster_" << clusters++ << " {\n  label=\"" << html_escape(name)
        << "\"; color=\"#cccccc\"; fontname=\"Helvetica\";\n"
        << body.str() << "  }\n";
  }
  dot << edges.str() << "}\n";
  return dot.str();
}

}  // namespace engine
