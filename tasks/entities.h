// Entities in tagged sentences, as seqeval finds and counts them in its default mode (the one of
// CoNLL's conlleval): tags are "O" or a letter of B, I, E, S and a type, "B-PER".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/io/json.h"

namespace tasks {

struct Entity {
  std::string type;
  int64_t begin = 0, end = 0;  // words; `end` is the last one, included
  auto operator<=>(const Entity&) const = default;
};

// An entity goes on while the type stays the same and no tag begins a new one: "I-PER" after "O"
// begins one, as "B-PER" does; "B-PER I-LOC" are two.
std::vector<Entity> entities(std::span<const std::string> tags);

using Tags = std::vector<std::vector<std::string>>;  // by sentence

// {"precision", "recall", "f1" (micro averages over entities), "accuracy" (of tags), "macro_f1",
//  "types": [{"label", "precision", "recall", "f1", "support", "predicted"}]}; an undefined ratio
// is 0.
engine::Json entity_report(const Tags& predicted, const Tags& truth);

}  // namespace tasks
