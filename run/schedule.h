// How many updates a run makes, and the rate's schedule over them.
#pragma once

#include <cstdint>

#include "engine/optim/schedule.h"
#include "run/settings.h"

namespace run {

// --max-steps, or what --epochs come to. The last step of an epoch takes what is left of it.
int64_t total_updates(const FinetuneSettings& settings, int64_t batches_per_epoch);

// A warm-up never takes all updates, and its first one learns. "hf_linear" and its like are as
// transformers has them (the first update at rate 0): for comparisons.
engine::Schedule make_schedule(const FinetuneSettings& settings, int64_t updates);

}  // namespace run
