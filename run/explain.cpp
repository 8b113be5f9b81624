#include "run/explain.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/autograd/trace_places.h"
#include "engine/base/dry_run.h"
#include "engine/nn/parameter_store.h"

namespace run {
namespace {

const engine::Parameter& parameter_of(const engine::Leaf& leaf) {
  return static_cast<const engine::Parameter&>(leaf);
}

// The rest of a name below `front`.
std::string below(const std::string& name, const std::string& front) {
  if (front.empty() || !name.starts_with(front + ".")) return name == front ? "" : name;
  return name.substr(front.size() + 1);
}

// "layer.0.output" -> "layer.*.output".
std::string without_numbers(const std::string& name) {
  std::string out;
  for (size_t begin = 0; begin <= name.size();) {
    size_t end = std::min(name.find('.', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    out += (begin ? "." : "") + (number ? "*" : part);
    begin = end + 1;
  }
  return out;
}

std::vector<ExplainedGroup> groups_of(engine::Module& root) {
  std::vector<ExplainedGroup> groups;
  root.visit([&](engine::Parameter& p) {
    if (!p.trainable) return;
    const std::string name = without_numbers(p.name);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const ExplainedGroup& g) {
      return g.name == name && g.shape == p.shape;
    });
    if (group == groups.end()) {
      groups.push_back({name, 0, 0, p.shape, p.role == engine::Role::injected});
      group = groups.end() - 1;
    }
    ++group->tensors;
    group->scalars += p.count();
  });
  return groups;
}

struct PlacedOp {
  std::string frame;
  ExplainedOp op;
};

// Takes some rows of its only input: no part of a block.
bool chooses_rows(const engine::Trace& trace, const std::map<int32_t, size_t>& entry_of,
                  const engine::TraceEntry& entry) {
  if (entry.inputs.size() != 1) return false;
  const auto input = entry_of.find(entry.inputs[0]);
  if (input == entry_of.end()) return false;
  const engine::Shape from = trace[input->second].shape;
  return from.cols == entry.shape.cols && from.rows > entry.shape.rows;
}

std::vector<PlacedOp> ops_of(const engine::Trace& trace) {
  const auto places =
      engine::trace_places(trace, [](const engine::Leaf& leaf) { return parameter_of(leaf).name; });
  std::map<int32_t, size_t> entry_of;
  std::vector<PlacedOp> ops;
  int32_t before = -1;  // the result of the op before
  for (size_t i = 0; i < trace.size(); ++i) {
    const engine::TraceEntry& entry = trace[i];
    entry_of[entry.output] = i;
    if (entry.leaf || chooses_rows(trace, entry_of, entry)) continue;
    PlacedOp& placed = ops.emplace_back();
    placed.frame = places[i].frame;
    ExplainedOp& op = placed.op;
    op.op = entry.op;
    op.module = below(places[i].module, placed.frame);
    size_t results = 0;
    for (const int32_t id : entry.inputs) {
      const auto found = entry_of.find(id);
      if (found == entry_of.end()) continue;
      if (const engine::Leaf* leaf = trace[found->second].leaf) {
        const engine::Parameter& p = parameter_of(*leaf);
        op.parameters.push_back({below(p.name, places[i].module), p.shape,
                                 p.role == engine::Role::injected, p.trainable});
      } else {
        ++results;
      }
    }
    op.added =
        !op.parameters.empty() && std::all_of(op.parameters.begin(), op.parameters.end(),
                                              [](const ExplainedParameter& p) { return p.added; });
    // A sum reads what was made long before: the residual.
    if (op.added || results != 2) results = 0;
    for (const int32_t id : entry.inputs) {
      const auto found = entry_of.find(id);
      if (results == 0 || id == before || found == entry_of.end() || trace[found->second].leaf)
        continue;
      const engine::TracePlace& from = places[found->second];
      const std::string what = from.frame != placed.frame ? "the block's input"
                               : from.module.empty()      ? trace[found->second].op
                                                          : below(from.module, from.frame);
      if (std::find(op.from.begin(), op.from.end(), what) == op.from.end()) op.from.push_back(what);
    }
    before = entry.output;
  }
  return ops;
}

bool learns(const ExplainedOp& op) {
  return std::any_of(op.parameters.begin(), op.parameters.end(),
                     [](const ExplainedParameter& p) { return p.learns; });
}

// Equal for blocks that are drawn alike.
std::string signature(const ExplainedBlock& block) {
  std::string text;
  for (const ExplainedOp& op : block.ops) {
    text += op.op + "/" + without_numbers(op.module);
    for (const ExplainedParameter& p : op.parameters)
      text += engine::concat(" ", without_numbers(p.name), p.shape, p.added, p.learns);
    text += '\n';
  }
  return text;
}

}  // namespace

Explained explain(const engine::Json& config, std::string_view strategy, int num_labels,
                  const std::string& where) {
  const PlanOptions options{.batch = 1, .length = 2, .num_labels = num_labels, .dropout = false};
  const engine::DryRun dry;
  PlannedModel planned = open_planned(config, strategy, options, where);
  engine::ParameterStore store(*planned.model);
  store.allocate();
  Explained out;
  out.model_type = planned.sites.model_type;
  out.spec = planned.strategy->spec();
  out.options = planned.strategy->settled_options();
  out.layers = planned.sites.layers;
  out.count = peft::count(*planned.model);
  out.groups = groups_of(*planned.model);

  engine::Trace trace;
  engine::Workspace workspace;
  {
    engine::GraphOptions graph;
    graph.trace = &trace;
    engine::Graph g(workspace, graph);
    planned_loss(*planned.model, g, planned_batch(options, writes_outputs(*planned.model)));
  }
  std::vector<ExplainedBlock> blocks;
  std::vector<PlacedOp> ops = ops_of(trace);
  std::set<std::string> frames;  // of the model's own blocks, not of what makes a prefix
  for (const PlacedOp& placed : ops)
    if (!placed.op.parameters.empty() && !placed.op.added) frames.insert(placed.frame);
  for (PlacedOp& placed : ops) {
    if (placed.frame.empty() || !frames.contains(placed.frame)) {
      if (learns(placed.op)) out.outside.push_back(std::move(placed.op));
      continue;
    }
    auto block = std::find_if(blocks.begin(), blocks.end(),
                              [&](const ExplainedBlock& b) { return b.frame == placed.frame; });
    if (block == blocks.end()) {
      blocks.emplace_back().frame = placed.frame;
      block = blocks.end() - 1;
    }
    block->learns = block->learns || learns(placed.op);
    block->ops.push_back(std::move(placed.op));
  }
  std::vector<std::string> signatures;
  for (ExplainedBlock& block : blocks) {
    const std::string own = signature(block);
    const auto known = std::find(signatures.begin(), signatures.end(), own);
    if (known != signatures.end()) {
      out.blocks[static_cast<size_t>(known - signatures.begin())].like.push_back(block.frame);
      continue;
    }
    signatures.push_back(own);
    out.blocks.push_back(std::move(block));
  }
  return out;
}

}  // namespace run
