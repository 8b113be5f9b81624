// Rotary position embeddings (Su et al. 2021) in Hugging Face's half-split layout.
#pragma once

#include <span>

#include "engine/autograd/graph.h"

namespace engine {

// Cosines and sines for the rows of a batch, shared by all layers of a step.
//
// positions (n): of each row. inverse_frequencies (r / 2): radians a position, scaled by the family
// where its config says so (llama3, linear, yarn). scale: a factor of cosines and sines (yarn's
// attention factor). Returns (n, r): r / 2 cosines, then r / 2 sines; a constant, nothing flows
// into it. Angles are float32 products, as in transformers, in every build.
Tensor rotary_table(Graph& g, std::span<const int32_t> positions,
                    std::span<const float> inverse_frequencies, double scale = 1);

// Rotates the first r columns of every head by the row's angles; a head's other columns stay.
//   x (n, heads * width), table (n, r) with r <= width, r even. `x` is written over if it was given
// away.
Tensor rotary(Graph& g, Tensor x, const Tensor& table, int64_t width);

}  // namespace engine
