// llama3's scaling of rotary frequencies in GGUF: a tensor rope_freqs.weight of divisors, one a
// pair.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/io/gguf.h"
#include "engine/io/json.h"

namespace models {

// What a float stands for, as the double of its shortest decimal.
double short_number(double value);

// The divisors of the pairs of a head of `width` columns, as convert_hf_to_gguf.py writes them for
// "rope_parameters" of the type llama3.
std::vector<float> llama3_divisors(const engine::Json& rope, double theta, int64_t width);

// "rope_type", "factor" ... of the file's divisors. Throws if no setting of llama3 gives them.
engine::Json llama3_rope(const engine::Gguf& file, double theta, int64_t width);

}  // namespace models
