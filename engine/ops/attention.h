// Scaled dot-product attention over packed sequences (Vaswani et al. 2017).
#pragma once

#include "engine/autograd/graph.h"
#include "engine/base/token_batch.h"
#include "engine/ops/relative_bias.h"

namespace engine {

struct AttentionOptions {
  int heads = 1;        // of the queries: q's columns are split into `heads` equal ranges
  bool causal = false;  // a token sees the keys of its own sequence up to its own (and the prefix)
  double dropout = 0;   // of the probabilities
  int key_heads = 0;  // of keys and values, each read by heads / key_heads neighbouring query heads
                      // (grouped-query attention, Ainslie et al. 2023); 0: `heads`
  int64_t window = 0;   // a token sees keys less than `window` positions away; 0: no limit. With
                        // causal, a prefix counts as the positions before the first token, and is
                        // left behind; else all of it stays in sight.
  double scale = 0;     // of the scores; 0: 1 / sqrt(columns of a head)
  int64_t block = 128;  // queries computed at once where a mask hides keys
  // Added to the scaled scores, and read during the call; null: none. A prefix counts as the
  // positions before the first token, as past keys do in transformers' T5 (so for PEFT's prefixes).
  const RelativeBias* bias = nullptr;
};

// For every sequence s and head h:  P = softmax(scale Q K^T + bias), O = dropout(P) V, where K and
// V begin with the rows of the prefix, if there is one.   q (tokens, heads * d); k, v (tokens,
// key_heads * d); prefix_k, prefix_v (length, key_heads * d) or empty, shared by all sequences;
// result (tokens, heads * d). `segments` are copied, as are `queries` and `asking`.
//
// With `queries`, only some tokens ask: rows [queries.begin(s), +length(s)) of q belong to sequence
// s (perhaps none), all of k and v are seen, and the result has the rows of q. `asking` says which
// row of k each row of q is, ascending; without it they are the last of their sequence. Only a mask
// (causal, window) and a bias need to know.
Tensor attention(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v,
                 const Segments& segments, const AttentionOptions& options,
                 const Tensor& prefix_k = {}, const Tensor& prefix_v = {},
                 const Segments* queries = nullptr, const std::vector<int32_t>* asking = nullptr);

}  // namespace engine
