// Whom each token of a text looks at: the attention weights of every layer and head.
#pragma once

#include <string>
#include <vector>

#include "engine/io/json.h"
#include "engine/ops/attention_weights.h"
#include "run/locate.h"

namespace run {

struct AttentionRequest : ModelRequest {
  std::string strategy;  // of a model without an adapter: what is added to it, at its start
  std::string text, text_b;
  bool pair = false;   // text_b is there
  int max_length = 0;  // tokens; 0: what the model has
};

struct Attention {
  std::string model_type, strategy;
  bool causal = false, random = false;  // random: the model's values are of no file
  // (keys) what the columns of a row are: the prefix's ("prefix 1", ...), those of a prompt
  // ("prompt 1", ...), and the text's tokens, an infix's ("infix 1", ...) before the last. Queries
  // are the prompt's and the text's.
  std::vector<std::string> keys, queries;
  int64_t prefix = 0;                // columns of the prefix
  engine::AttentionWeights weights;  // an op a layer, one sequence

  int64_t heads() const { return weights.ops.front().heads; }
  // (queries x keys) mean over the heads of a layer.
  std::vector<double> mean(int64_t layer) const;
};

// Without dropout. Throws engine::Error as locate() does, for an empty text, and for one that is
// longer than the model.
Attention attention_of(const AttentionRequest& request);

// {"version", "model_type", ..., "keys", "queries", "prefix", "layers": [layer][head][query][key]};
// weights are rounded to 6 decimals.
engine::Json attention_json(const Attention& attention);

}  // namespace run
