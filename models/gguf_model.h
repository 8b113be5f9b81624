// A model of the LLaMA family into a GGUF file, as llama.cpp's convert_hf_to_gguf.py writes it.
#pragma once

#include <optional>
#include <string>

#include "engine/io/checkpoint.h"
#include "engine/io/gguf_writer.h"
#include "engine/io/json.h"

namespace models {

// Metadata of the model that `config` (a config.json, `where` names it) describes, and its tensors.
// `type`: F32, F16, BF16 or Q8_0 for matrices (vectors are F32, and rows that are not made of whole
// blocks F16); nullopt leaves each tensor's type as it is. Throws, by name, for other families, for
// settings that the file could not say, and for tensors that it has no name for.
void add_to_gguf(engine::GgufWriter& file, const engine::Json& config, const std::string& where,
                 const engine::Checkpoint& tensors, std::optional<engine::GgmlType> type,
                 const std::string& name);

}  // namespace models
