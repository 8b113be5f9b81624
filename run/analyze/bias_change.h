// How far every bias vector moved: figure 1 of BitFit (Ben Zaken et al. 2022).
//
//   change(b) = |b_after - b_before|_1 / dim(b)
//
// A key's bias adds q . b_k to all scores of a row, which the softmax takes out again: its gradient
// is zero but for rounding, and so is its change.
#pragma once

#include "run/analyze/grid.h"
#include "run/analyze/trained.h"

namespace run {

// Rows: biases by kind, in the order of the layer; columns: layers, then their mean. Biases outside
// of the layers are rows of their own below, with a mean only. Throws if no bias learned.
Grid bias_change(TrainedRun& run);

}  // namespace run
