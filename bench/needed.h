// Matrix products that the result of a step needs, to compare with those that were made
// (engine/base/counters.h).
//
// Read off the trace of one step, whatever the model and the strategy. Needed is the forward
// product of a layer at the rows that reach the loss (in the last layer of a classifier: the first
// token of each sequence, and keys and values of all), the input's gradient where something below
// trains, the weight's gradient where the weight trains. Not needed: rows that nobody reads, and
// products made again in backward to save memory (attention's scores).
#pragma once

#include "engine/autograd/graph.h"

namespace bench {

struct NeededFlops {
  double forward = 0, backward = 0;
  double total() const { return forward + backward; }
};

// `trace` is of one graph, from GraphOptions::trace; its last entry is the loss.
NeededFlops needed_flops(const engine::Trace& trace);

}  // namespace bench
