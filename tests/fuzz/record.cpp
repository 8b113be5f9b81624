// run.json, a zero byte, task.json: as a report reads a stranger's, and as predict and merge do.
#include "apps/compare/runs.h"
#include "run/known.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [record, known] = fuzz::halves(input);
  fuzz::folder().write("run.json", record);
  std::filesystem::remove(fuzz::folder().path() / "task.json");
  fuzz::expect_error_at_most([] { apps::read_run(fuzz::folder().path()); });
  fuzz::expect_error_at_most([] { run::find_known(fuzz::folder().path()); });
  if (known.empty()) return;
  fuzz::folder().write("task.json", known);
  run::find_known(fuzz::folder().path());
}
