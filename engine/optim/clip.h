// Clipping by the global norm, as torch.nn.utils.clip_grad_norm_ (norm type 2).
//
//   norm  = sqrt(sum of g^2 over all trainable parameters)
//   scale = min(1, max_norm / (norm + 1e-6))
//
// The scale is not applied here: Optimizer::step takes it, so the gradients are read once more and
// never written.
#pragma once

#include "engine/nn/parameter_store.h"

namespace engine {

struct Clip {
  double norm = 0;   // before clipping
  double scale = 1;  // what to multiply the gradients by

  // False after an overflow, or a division by zero: a step with such gradients would make every
  // weight NaN.
  bool finite() const;
};

// max_norm <= 0 measures and does not clip. Norms are sums of squares in double in a fixed order:
// the same bits for any number of threads. Does not allocate.
Clip clip_gradients(const ParameterStore::Block& block, double max_norm);

double gradient_norm(const ParameterStore::Block& block);

}  // namespace engine
