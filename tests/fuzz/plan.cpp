// A sweep's plan, and the flags of its runs.
#include "run/sweep/plan.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const run::SweepPlan plan = run::read_plan(engine::parse_json(input, "plan"), "plan");
  for (const run::SweepRun& run : plan.runs) run.flags();
}
