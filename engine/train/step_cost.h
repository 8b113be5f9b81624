// What a training step costs, before there are values: forward, loss and backward, run dry.
#pragma once

#include <functional>

#include "engine/autograd/graph.h"
#include "engine/base/counters.h"
#include "engine/base/token_batch.h"
#include "engine/nn/module.h"

namespace engine {

// Products as executing the step would count them; saved_bytes is of the largest micro-batch.
struct StepCost : Counters {
  int64_t pieces = 0;        // micro-batches (engine/train/pieces.h)
  int64_t weight_bytes = 0;  // parameters as the precision in force holds them; frozen ones may be
                             // mapped
  int64_t pool_bytes = 0;    // tensors alive at once, at most
  int64_t system_allocations = 0;  // that the dry run took from the system for tensors: 0
};

// Runs loss(graph, piece) and its backward dry (engine/base/dry_run.h) on every piece of the batch.
// `model` is marked by a strategy and has no values yet; it has none afterwards. The batch's ids
// and labels are read and must be valid; pieces with the same lengths cost the same and are run
// once. engine::threads() and `dropout` have a part in the pool's bytes. engine::counters() is left
// as it was. A loss that nothing trainable has a part in has no backward.
StepCost cost_of_step(Module& model, const TokenBatch& batch, int64_t piece_tokens, bool dropout,
                      const std::function<Tensor(Graph&, const TokenBatch&)>& loss);

}  // namespace engine
