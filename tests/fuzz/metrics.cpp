// metrics.jsonl: as a run reads it again, and as a report does.
#include "apps/compare/curves.h"
#include "engine/io/run_folder.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto file = fuzz::folder().write("metrics.jsonl", input);
  apps::read_curves(file);
  engine::read_metrics(file);
}
