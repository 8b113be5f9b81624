// Layer normalisation (Ba et al. 2016), by rows.
#pragma once

#include "engine/autograd/graph.h"

namespace engine {

// y = w (x - mean) / sqrt(var + eps) + b, mean and (biased) variance by row.   x (n, d), w and b
// (1, d); b may be empty.
Tensor layer_norm(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b, Scalar eps);

// layer_norm(residual + dropout(h)): the end of a post-LN sub-layer in one pass. `h` is written
// over if it was given away.
Tensor add_layer_norm(Graph& g, Tensor h, const Tensor& residual, const Tensor& w, const Tensor& b,
                      Scalar eps, double dropout);

}  // namespace engine
