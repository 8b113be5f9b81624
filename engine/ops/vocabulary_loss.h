// The last layer of a language model and its loss in one op. Logits (tokens x vocabulary) would be
// the largest tensor of a step, so they exist a block of rows at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/autograd/graph.h"

namespace engine {

struct VocabularyLossOptions {
  // Label smoothing e as torch: (1 - e) on the label, and e / classes on every class.
  double smoothing = 0;
  // Scalars of logits at once (64 MiB of float), or one row if that is more.
  int64_t block = 16 << 20;
  // What is reported beside the loss, where it is given.
  int64_t* correct = nullptr;  // rows whose largest logit is the label's
  double* nll = nullptr;  // (n) -log p(label) by row, without smoothing; 0 where there is no term
  // Sees the logits (rows, classes) of rows first, first + 1, ... of x, block by block.
  std::function<void(const Tensor& logits, int64_t first)> look;
};

// Mean over the terms of -log softmax(x W^T + b)[label].   x (n, d), w (classes, d), b (1, classes)
// or empty, labels[n] in [0, classes) (checked), or -1 for a row without a term. Returns (1, 1): 0
// where there are no terms. The labels are copied.
Tensor vocabulary_loss(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b,
                       const std::vector<int32_t>& labels,
                       const VocabularyLossOptions& options = {});

// The same of logits x W^T + u v^T + b: an update of low rank beside the weight (LoRA).   u (n, r),
// v (classes, r).
struct LowRank {
  Tensor u, v;
};
Tensor vocabulary_loss(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b,
                       const LowRank& update, const std::vector<int32_t>& labels,
                       const VocabularyLossOptions& options = {});

}  // namespace engine
