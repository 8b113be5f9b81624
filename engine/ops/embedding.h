// Sums of table rows: word + position + token type.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "engine/autograd/graph.h"

namespace engine {

// y[i] = table[ids[i]].   table (entries, d), every id in [0, entries) (checked); y (n, d). The ids
// are copied.
struct Lookup {
  Tensor table;
  const int32_t* ids;
  bool sparse = false;  // a negative id adds nothing; else it is an error
};
// y[i] = sum over lookups of table[ids[i]], at most four of them, in one pass.
Tensor embedding_sum(Graph& g, std::span<const Lookup> lookups, int64_t n);
inline Tensor embedding_sum(Graph& g, std::initializer_list<Lookup> lookups, int64_t n) {
  return embedding_sum(g, std::span(lookups.begin(), lookups.size()), n);
}

}  // namespace engine
