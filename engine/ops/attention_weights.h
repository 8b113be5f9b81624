// The probabilities of attention, for whoever wants to look at them.
//
//   AttentionWeights seen;
//   Graph g(workspace, {.record = false, .attention = &seen});
//   model.encode(g, batch);  // seen.ops: one a layer
#pragma once

#include <vector>

#include "engine/base/token_batch.h"
#include "engine/tensor/tensor.h"

namespace engine {

struct AttentionWeights {
  // (queries, prefix + keys) of one sequence and head: softmax's result, before dropout; 0 where a
  // mask hides a key. The first `prefix` columns are the prefix's. Rows sum to 1.
  struct Head {
    int64_t queries = 0, keys = 0;
    std::vector<Scalar> values;
    Scalar* row(int64_t query) { return values.data() + query * keys; }
    const Scalar* row(int64_t query) const { return values.data() + query * keys; }
  };
  struct Op {
    int64_t heads = 0, prefix = 0;
    std::vector<Head> all;  // of sequence s and head h: s * heads + h
    Head& of(int64_t sequence, int64_t head) {
      return all[static_cast<size_t>(sequence * heads + head)];
    }
    const Head& of(int64_t sequence, int64_t head) const {
      return all[static_cast<size_t>(sequence * heads + head)];
    }
  };
  std::vector<Op> ops;  // in the order of the forward pass: by layer

  // Room for one op, filled with zeros.
  Op& add(int64_t heads, int64_t prefix, const Segments& keys, const Segments& queries) {
    Op& op = ops.emplace_back();
    op.heads = heads;
    op.prefix = prefix;
    for (int s = 0; s < keys.count(); ++s)
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t n = queries.length(s), m = prefix + keys.length(s);
        op.all.push_back({n, m, std::vector<Scalar>(static_cast<size_t>(n * m))});
      }
    return op;
  }
};

}  // namespace engine
