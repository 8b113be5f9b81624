// Task 8.1: strategies as rules, on the engine's own models.
#pragma once

#include "engine/nn/parameter.h"

namespace task {

// Each says whether a parameter learns. The head (Role::head) learns with all of them. Choose by
// what a parameter is (role, layer, bias, norm), never by its name. engine/nn/parameter.h says what
// there is; the pooler's layer is `layers`, the embeddings' is -1.

// All biases, those of norms included.
bool bitfit(const engine::Parameter& p);
// BitFit with two terms only, as the paper found enough: the biases of the queries and of the first
// feed-forward layer.
bool bitfit_query_ffn_in(const engine::Parameter& p);
// The last `top` of `layers` layers, and the pooler.
bool top_layers(const engine::Parameter& p, int top, int layers);

}  // namespace task
