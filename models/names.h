// Hugging Face's parameter names by family: the only place where the families' spellings stand.
#pragma once

#include <string>

#include "models/config.h"

namespace models {

struct Names {
  std::string base;    // "bert": everything but the head lies below it
  std::string layers;  // "encoder.layer"
  // below embeddings
  std::string embedding_norm = "LayerNorm";
  // below a layer
  std::string query, key, value, attention_output, attention_norm, ffn_in, ffn_out, ffn_norm;
  // where adapters stand, below a layer
  std::string after_attention, after_ffn;
};

const Names& names_of(Family family);

}  // namespace models
