// Any JSON document, and what it is written as again.
#include "engine/io/json.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const engine::Json json = engine::parse_json(input, "input");
  const std::string once = engine::json_text(json);
  const engine::Json again = engine::parse_json(once, "again");
  if (engine::json_text(again) != once) std::abort();
  engine::json_found(json);
}
