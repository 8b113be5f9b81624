// Rotary frequencies of a config.json, with the scalings that transformers defines.
#pragma once

#include <vector>

#include "models/config_reader.h"

namespace models {

struct Rope {
  std::vector<float> inverse_frequencies;  // (rotated columns of a head / 2)
  double scale = 1;                        // of cosines and sines
};

// Reads "rope_parameters" (transformers 5), or "rope_theta" and "rope_scaling" (4), for heads of
// `width` columns and `positions` of max_position_embeddings. Types: default, linear, dynamic,
// llama3, yarn. Dynamic scaling changes nothing within max_position_embeddings, and more is refused
// elsewhere. Errors name the key: another type, a missing or unknown setting.
Rope read_rope(ConfigReader& in, int64_t width, int64_t positions, double theta = 10000);

}  // namespace models
