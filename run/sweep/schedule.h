// Which runs of a sweep come next: a function of what is finished, so that workers need not talk.
#pragma once

#include <string>
#include <vector>

#include "run/sweep/state.h"

namespace run {

struct Dropped {
  size_t run;  // index into the plan
  std::string reason;
};

struct Schedule {
  std::vector<size_t> queue;     // to be run, the next first; includes those that others work at
  std::vector<Dropped> dropped;  // never run: their rate was worse
  bool waiting = false;          // what else is to be run depends on runs of the queue
};

// All runs of the plan in its order: every cell with one seed first. With `halving`, a cell's rates
// compete: after each seed the better half of them (by the mean score over their seeds, rounded up)
// gets the next seed, until one rate is left, which gets all.
Schedule schedule(const SweepPlan& plan, const std::vector<RunState>& states, bool halving);

// Seconds that a run takes, from finished ones: the mean of its cell, else of its model and task,
// else of all. Nothing before the first is finished.
std::optional<double> predicted_seconds(const SweepPlan& plan, const std::vector<RunState>& states,
                                        size_t run);

// {"schema": "peft.cpp/sweep/1", "plan", "runs": [{"name", "status", "score", "message"}],
// "dropped"}.
engine::Json sweep_record(const SweepPlan& plan, const std::vector<RunState>& states,
                          const Schedule& schedule);

}  // namespace run
