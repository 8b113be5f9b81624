// What --resume believes: a record's settings, a zero byte, the counters of a state.
#include "run/position.h"
#include "run/settings.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [settings, position] = fuzz::halves(input);
  fuzz::expect_error_at_most([&, text = settings] {
    const auto read = run::FinetuneSettings::from_json(engine::parse_json(text, "run.json"), "run");
    read.check();
    // What was read is written as it would be read again.
    if (run::FinetuneSettings::from_json(read.to_json(), "again").to_json() != read.to_json())
      std::abort();
  });
  if (!position.empty()) run::Position::from_json(engine::parse_json(position, "state"));
}
