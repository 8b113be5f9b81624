// Losses: the mean over rows, as a (1, 1) tensor.
#pragma once

#include "engine/autograd/graph.h"

namespace engine {

// Mean over the rows of -log softmax(logits)[label], with label smoothing e as torch: the target is
// (1 - e) on the label plus e / classes on every class.   logits (n, classes), labels[n] in [0,
// classes) (checked).
Tensor cross_entropy(Graph& g, const Tensor& logits, const double* labels, double smoothing = 0);

// Mean of (prediction - target)^2.   predictions (n, 1), targets[n].
Tensor mse(Graph& g, const Tensor& predictions, const double* targets);

}  // namespace engine
