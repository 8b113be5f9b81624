// DeBERTa's attention (He et al. 2021): a score is the sum of what two tokens say to one another
// and of what each says to the distance between them.
#pragma once

#include "engine/autograd/graph.h"
#include "engine/base/token_batch.h"

namespace engine {

// Rows of the tables of distances. A distance of query minus key is row span + distance, within
// [0, 2 span). With buckets, distances of up to buckets / 2 have a row each, and longer ones share
// rows, which grow with the logarithm up to `longest`; then span is `buckets`.
struct DistanceRows {
  int64_t span = 1;
  int64_t buckets = 0;  // 0: none
  int64_t longest = 0;  // max_relative_positions

  int32_t row(int64_t distance) const;
};

struct DisentangledOptions {
  int heads = 1;
  double dropout = 0;  // of the probabilities
  double scale = 0;    // of the scores; 0: 1 / sqrt(terms * columns of a head)
  DistanceRows distances;
  int64_t first_row = 0;  // the row of a distance that the tables begin with
};

// For every sequence and head, with r(i, j) the row of the distance of query i to key j:
//   S[i, j] = scale (q_i k_j + q_i key_of[r(i, j)] + k_j query_of[r(i, j)]),   P = softmax(S),
//   O = dropout(P) V
//   q, k, v (tokens, heads * d); key_of, query_of (rows, heads * d) or empty: that term is left
//   out; result (tokens, heads * d). The tables hold the rows that the longest sequence reaches, or
//   more.
// `queries` and `asking` as in attention(). `segments`, `queries` and `asking` are copied.
Tensor disentangled_attention(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v,
                              const Tensor& key_of, const Tensor& query_of,
                              const Segments& segments, const DisentangledOptions& options,
                              const Segments* queries = nullptr,
                              const std::vector<int32_t>* asking = nullptr);

}  // namespace engine
