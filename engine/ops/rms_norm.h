// Root mean square normalisation (Zhang and Sennrich 2019): LLaMA's LayerNorm without mean and
// bias.
#pragma once

#include "engine/autograd/graph.h"

namespace engine {

// y = w x / sqrt(mean(x^2) + eps).   x (n, d), w (1, d). A shorter w (1, d / k) normalises each of
// the k equal column ranges of a row by itself, all with this w: Qwen3's norms of queries and keys,
// one range a head. Error: d is not a multiple of w's size.
Tensor rms_norm(Graph& g, const Tensor& x, const Tensor& w, Scalar eps);

}  // namespace engine
