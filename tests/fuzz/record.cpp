// run.json: as a report reads a stranger's, and as predict and merge read it.
#include "apps/compare/runs.h"
#include "run/known.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  fuzz::folder().write("run.json", input);
  apps::read_run(fuzz::folder().path());
  run::find_known(fuzz::folder().path());
}
