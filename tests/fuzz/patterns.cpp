// PEFT's rank_pattern: a JSON object of regular expressions.
#include "peft/patterns.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto patterns = peft::Patterns::parse(std::string(input), 1, 1024, "input", "rank_pattern");
  const double r = patterns.at("base_model.model.bert.encoder.layer.0.attention.self.query", 8);
  if (r < 1 || r > 1024) std::abort();
}
