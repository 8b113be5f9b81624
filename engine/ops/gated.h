// Gated linear units (Shazeer 2020): the activation of a feed-forward layer with two inner
// projections.
#pragma once

#include "engine/autograd/graph.h"
#include "engine/ops/activation.h"

namespace engine {

// y = act(gate) * up.   All (n, d). SwiGLU with silu, GeGLU with gelu.
Tensor gated(Graph& g, const Tensor& gate, const Tensor& up, Activation act);

// The same where one product made both (ModernBERT's Wi): the first half of x's columns is the
// gate.
//   x (n, 2 d), result (n, d).
Tensor gated(Graph& g, const Tensor& x, Activation act);

}  // namespace engine
