// A step as a picture: a trace of the graph in the language of Graphviz.
//
//   Trace trace;
//   Graph g(workspace, {.trace = &trace});
//   ... forward ...
//   std::ofstream("step.dot") << to_dot(trace, name);     then: dot -Tsvg step.dot > step.svg
#pragma once

#include <string>

#include "engine/autograd/trace_places.h"

namespace engine {

// Ops are boxes with their shape, the FLOPs of their products and the bytes that they keep for
// backward. Parameters are boxes too, those of one module together (a row each, so 4 layers of BERT
// fit a page). What trains is coloured, what is frozen is grey, and gradients flow against the
// solid edges. `leaf_name` gives a parameter's full name ("bert.encoder.layer.0...."); what has a
// number in its name ("layer.0") is framed with the others of that number.
std::string to_dot(const Trace& trace, const LeafName& leaf_name);

}  // namespace engine
