// Sums of table rows: word + position + token type.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "engine/autograd/graph.h"

namespace engine {

// y[i] = table[ids[i]].   table (entries, d), every id in [0, entries) (checked); y (n, d). The ids
// are copied.
struct Lookup {
  Tensor table;
  const int32_t* ids;
};
// y[i] = sum over lookups of table[ids[i]], at most four of them, in one pass.
Tensor embedding_sum(Graph& g, std::initializer_list<Lookup> lookups, int64_t n);

}  // namespace engine
