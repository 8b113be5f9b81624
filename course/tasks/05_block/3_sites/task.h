// Task 5.3: the places of a model, by role and layer.
#pragma once

#include <string>
#include <vector>

namespace task {

// A linear layer of a model.
struct Site {
  std::string path;  // "bert.encoder.layer.0.attention.output.dense"
  std::string role;  // "query", "key", "value", "attention_output", "ffn_in", "ffn_out", "head"
  int layer;         // from 0
};

// The indices of the sites with one of these roles in one of these layers, in the order of `sites`.
// An empty list of layers means all of them. A role that no site has is a mistake of the caller:
// throw std::invalid_argument with the role in its text.
std::vector<int> choose(const std::vector<Site>& sites, const std::vector<std::string>& roles,
                        const std::vector<int>& layers);

// Layers by text, as users write them: "0-2+5" is 0, 1, 2, 5. The result ascends, each number once.
// Throw std::invalid_argument for anything else ("", "3-1", "a", "1++2").
std::vector<int> layers_from_text(const std::string& text);

}  // namespace task
