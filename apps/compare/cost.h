// What a strategy costs beside full fine-tuning, and why, in a sentence.
#pragma once

#include <optional>
#include <string>

#include "apps/compare/summary.h"

namespace apps {

// Of one group, beside the costliest one of its task and model (full fine-tuning, if it is there).
// Matrix products are compared by training token, so runs of different length compare.
struct CostRatio {
  std::string beside;  // spec of the one it is compared with
  double products = 0, forward = 0, input_gradient = 0, weight_gradient = 0;  // 1: as many
  std::optional<double> saved;  // bytes saved for backward
};
// Nothing without counts.
std::optional<CostRatio> cost_ratio(const Summary& summary, size_t task, const Row& row);

// "69 % of full's products: hardly any weight gradients (0.2 %), but all input gradients, since the
// gradient has to reach the first layer; saved for backward: 50 % of its bytes". Empty without
// counts.
std::string why(const Summary& summary, size_t task, const Row& row);

// Measured beside predicted by shapes alone (run/plan.h), both for the training steps.
struct Predicted {
  double backward_flops = 0;  // all products of the whole run but the forward pass's
  double saved_bytes = 0;     // of the largest micro-batch
};
// Nothing if the record does not say enough, or describes no model that can be planned.
std::optional<Predicted> predict(const Group& group);

}  // namespace apps
