// Linear layers, plain, fused with an activation, and of low rank.
#pragma once

#include "engine/autograd/graph.h"
#include "engine/ops/activation.h"

namespace engine {

// y = x W^T + b.   x (n, in), w (out, in), b (1, out) or empty; y (n, out).
Tensor linear(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b);

// y = act(x W^T + b), the bias and the activation in one pass over the product.
Tensor linear_activation(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b,
                         Activation act);

// LoRA's update (Hu et al. 2021): y + scale (dropout(x) A^T) B^T.   a (r, in), b (out, r); y (n,
// out) is written over if the caller gives it away with std::move. Dropout is applied to x for this
// branch only, as in the paper's code and PEFT.
// With `begin`, y may be wider: the update is added to its columns [begin, begin + out) (GPT-2's
// queries in a fused layer).
Tensor low_rank_add(Graph& g, Tensor y, const Tensor& x, const Tensor& a, const Tensor& b,
                    double scale, double dropout, int64_t begin = -1);

}  // namespace engine
