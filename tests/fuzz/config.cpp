// config.json: any family's, by its model_type.
#include "models/config.h"

#include "engine/io/json.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const models::ModelConfig config =
      models::config_from_json(engine::parse_json(input, "config.json"), "config.json");
  config.to_json();
}
