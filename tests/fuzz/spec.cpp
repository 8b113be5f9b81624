// Strategies and random models as a command line names them.
#include "models/config.h"
#include "peft/strategy.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.size() > 200) return;
  if (input.starts_with("random")) {
    models::config_from_spec(input, 100);
    return;
  }
  const auto strategy = peft::make_strategy(std::string(input));
  if (peft::make_strategy(strategy->spec())->spec() != strategy->spec()) std::abort();
}
