// Scaled dot-product attention over packed sequences (Vaswani et al. 2017).
#pragma once

#include "engine/autograd/graph.h"
#include "engine/base/token_batch.h"

namespace engine {

struct AttentionOptions {
  int heads = 1;        // columns are split into `heads` ranges of cols / heads
  bool causal = false;  // token i sees keys 0..i of its own sequence (and all of the prefix)
  double dropout = 0;   // of the probabilities
};

// For every sequence s and head h:  P = softmax(Q K^T / sqrt(d)), O = dropout(P) V, where K and V
// begin with the rows of the prefix, if there is one.   q, k, v (tokens, hidden); prefix_k,
// prefix_v (length, hidden) or empty, shared by all sequences; result (tokens, hidden). `segments`
// must live until backward.
//
// With `queries`, only some tokens ask: rows [queries.begin(s), +length(s)) of q belong to sequence
// s (perhaps none), all of k and v are seen, and the result has the rows of q. Not together with
// `causal`. `queries` must live until backward, too.
Tensor attention(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v,
                 const Segments& segments, const AttentionOptions& options,
                 const Tensor& prefix_k = {}, const Tensor& prefix_v = {},
                 const Segments* queries = nullptr);

}  // namespace engine
