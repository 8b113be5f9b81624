// Losses: the mean over rows, as a (1, 1) tensor.
#pragma once

#include <vector>

#include "engine/autograd/graph.h"

namespace engine {

// Mean over the rows of -log softmax(logits)[label], with label smoothing e as torch: the target is
// (1 - e) on the label plus e / classes on every class.   logits (n, classes), labels[n] in [0,
// classes) (checked).
Tensor cross_entropy(Graph& g, const Tensor& logits, const double* labels, double smoothing = 0);

// The same with a weight for each class: the mean weighs a row by weights[label], and smoothing by
// each class's weight, as torch.   weights (classes), labels of positive weight in the batch.
Tensor weighted_cross_entropy(Graph& g, const Tensor& logits, const double* labels,
                              const std::vector<double>& weights, double smoothing = 0);

// Several classes at once: the mean over all elements of -[t log s + (1 - t) log(1 - s)],
// s = sigmoid(logits).   logits (n, classes), targets[n * classes] in [0, 1].
Tensor binary_cross_entropy(Graph& g, const Tensor& logits, const double* targets);

// Mean of (prediction - target)^2.   predictions (n, 1), targets[n].
Tensor mse(Graph& g, const Tensor& predictions, const double* targets);

}  // namespace engine
