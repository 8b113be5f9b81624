// What a sweep will take, before it is begun.
#pragma once

#include <string>
#include <vector>

#include "run/sweep/state.h"

namespace apps {

// A line a run: what there is of it, hours and memory. Opens the data of every model and task, for
// the number of tokens; hours are from finished runs of the sweep, else from a product that is
// timed here.
std::string sweep_table(const run::SweepPlan& plan, const std::vector<run::RunState>& states,
                        int width);

}  // namespace apps
