// config.json of models whose counts are published.
#pragma once

#include "engine/io/json.h"

namespace testing {

inline engine::Json bert_json(int hidden, int layers, int heads) {
  return {{"model_type", "bert"},           {"vocab_size", 30522},
          {"hidden_size", hidden},          {"num_hidden_layers", layers},
          {"num_attention_heads", heads},   {"intermediate_size", 4 * hidden},
          {"max_position_embeddings", 512}, {"type_vocab_size", 2}};
}

inline engine::Json llama_7b() {
  return {{"model_type", "llama"},   {"vocab_size", 32000},       {"hidden_size", 4096},
          {"num_hidden_layers", 32}, {"num_attention_heads", 32}, {"intermediate_size", 11008}};
}

}  // namespace testing
