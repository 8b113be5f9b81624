// Where in a model the ops of a trace stand, told by the names of their parameters.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/autograd/graph.h"

namespace engine {

// A parameter's full name: "bert.encoder.layer.0.attention.self.query.weight".
using LeafName = std::function<std::string(const Leaf&)>;

struct TracePlace {
  // "bert.encoder.layer.0.attention.self.query": what the names of its parameters begin with; empty
  // for an op without parameters.
  std::string module;
  // "bert.encoder.layer.0": up to the first number in the name. An op without parameters stands
  // where the latest of its inputs was made. Empty outside of numbered layers.
  std::string frame;
};

// One for each entry of the trace, parameters included.
std::vector<TracePlace> trace_places(const Trace& trace, const LeafName& leaf_name);

}  // namespace engine
