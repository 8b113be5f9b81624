// What each layer's learning is worth: a trained run scored with the change of some layers taken
// out (Houlsby et al. 2019, figure 6: adapters removed from a continuous span of layers).
#pragma once

#include <functional>

#include "run/analyze/grid.h"
#include "run/analyze/trained.h"

namespace run {

// Rows: the first layer without its change, columns: the last one; values: the score minus that of
// the whole run (kept in `whole`), on `examples` of the dev set (0: all). `progress(done, all)`
// says whether to go on. Taken out is a return to the values before training, which for adapters,
// LoRA and IA3 is the layer without them. Throws for a prefix, which has no neutral value.
Grid layer_ablation(TrainedRun& run, double& whole, int64_t examples = 0,
                    const std::function<bool(int, int)>& progress = {});

}  // namespace run
