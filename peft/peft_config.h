// Hugging Face PEFT's adapter_config.json: what we write and what we understand of theirs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/io/json.h"
#include "engine/nn/hooks.h"
#include "peft/adapter_file.h"

namespace peft {

// How a strategy is called in PEFT: "LORA", "IA3", "LN_TUNING", "PREFIX_TUNING"; empty if PEFT has
// no type for it.
std::string peft_type_of(const Strategy& strategy);

// The module names that PEFT takes for exactly `matched` among `all` (it matches a name that ends
// with "." and the entry): the shortest suffixes that match nothing else. ["query", "value"];
// ["0.output.dense", ...] where "output.dense" would also hit attention.output.dense.
std::vector<std::string> target_modules(const std::vector<std::string>& matched,
                                        const std::vector<std::string>& all);

// The whole configuration; `modules` are all module paths of the model. Keys as PEFT 0.9 to 0.20
// read them.
engine::Json peft_config(const Strategy& strategy, const AdapterInfo& info,
                         const engine::Sites& sites, const std::vector<std::string>& modules,
                         const std::vector<std::string>& modules_to_save);

// The spec that makes room for the tensors (names as ours) of a PEFT file. Throws for what we
// cannot do, naming the key.
std::string spec_from_peft(const engine::Json& config,
                           const std::map<std::string, engine::SafeTensor>& tensors,
                           const std::string& where);

// What stands in PEFT's names between a normalisation and its parameters: its trained copy.
inline constexpr std::string_view kNormCopy = ".ln_tuning_layers";

// "a.b" -> "a\.b", for a regular expression.
std::string escaped_dots(const std::string& text);

// What a configuration says of a LoRA's numbers, as text: to tell whether somebody changed them.
std::string lora_settings(const engine::Json& config);

// As Python's json.dumps(indent=2, sort_keys=True).
std::string sorted_json(const engine::Json& json);

}  // namespace peft
