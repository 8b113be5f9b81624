// The last layer of a language model and its loss in one op: the logits over the vocabulary are the
// largest tensor of a step, so they are made once, in place, by all threads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/autograd/graph.h"

namespace models {

// Mean over the rows of -log softmax(x W^T + b)[label].   x (n, d), w (classes, d), b (1, classes)
// or empty, labels[n] (checked). Returns (1, 1). `correct`, if given, gets the number of rows whose
// largest logit is the label's; `look`, if given, sees the logits (n, classes) before they are
// written over.
engine::Tensor vocabulary_loss(engine::Graph& g, const engine::Tensor& x, const engine::Tensor& w,
                               const engine::Tensor& b, const std::vector<int32_t>& labels,
                               int64_t* correct = nullptr,
                               const std::function<void(const engine::Tensor&)>& look = {});

// Mean over the rows of the binary cross entropy with logits: softplus(x) - t x.   x (n, 1),
// targets[n] 0 or 1. Returns (1, 1). `correct`, if given, gets the number of rows whose sign is
// right.
engine::Tensor binary_loss(engine::Graph& g, const engine::Tensor& x,
                           const std::vector<uint8_t>& targets, int64_t* correct = nullptr);

}  // namespace models
