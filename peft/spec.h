// The grammar of specs: text in, names and options out. What the names mean is the registry's
// business.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/io/json.h"

namespace peft {

struct SpecPart {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;  // as written
};

// By the grammar in strategy.h. `known` are the names of all strategies; another name is an error.
std::vector<SpecPart> parse_spec(std::string_view spec, const std::vector<std::string>& known);

// One part from its options: "lora" and {"r": 4, "roles": ["query", "value"]} ->
// "lora:r=4,roles=query+value".
std::string spell_spec(const std::string& name, const engine::Json& options);

}  // namespace peft
