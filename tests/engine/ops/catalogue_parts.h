// What the files of the catalogue share.
#pragma once

#include "engine/ops/activation.h"
#include "engine/ops/attention.h"
#include "tests/engine/ops/catalogue.h"

namespace catalogue {

using Cases = std::vector<OpCase>;
using In = const std::vector<Tensor>&;

inline constexpr auto kScalar = static_cast<int64_t>(sizeof(Scalar));

inline bool has(Mask mask, int input) { return (mask >> input & 1) != 0; }
inline engine::WorkCount products(int64_t calls, double flops) { return {calls, flops}; }
inline Cost keeps(int64_t scalars) {
  Cost c;
  c.saved_bytes = scalars * kScalar;
  return c;
}

// A graph that drops, with a fixed key.
inline engine::GraphOptions dropping() {
  engine::GraphOptions o;
  o.dropout = true;
  o.seed = 5;
  o.step = 3;
  return o;
}

struct AttentionSize {
  std::vector<int32_t> lengths;
  int64_t width;  // of a head
  engine::AttentionOptions options;
  int64_t prefix = 0;
  std::vector<int32_t> queries = {};  // of each sequence; empty: all its tokens
  bool spread = false;                // the queries are spread over the sequence; else its last
  // A relative bias, whose table is the last input; no buckets: none.
  int64_t buckets = 0, max_distance = 0;
  bool bidirectional = true;
};
void add_attention(Cases& out, const AttentionSize& a);
void add_small_attention_cases(Cases& out);
void add_large_attention_cases(Cases& out);

// catalogue_linear.cpp: products, and what stands beside them.
void add_linear(Cases& out, int64_t n, int64_t in, int64_t o, bool bias);
void add_linear_activation(Cases& out, int64_t n, int64_t in, int64_t o, bool bias,
                           engine::Activation act);
void add_low_rank(Cases& out, int64_t n, int64_t in, int64_t r, int64_t o, double p,
                  int64_t begin = -1);
void add_rescale(Cases& out, int64_t n, int64_t o, bool bias, int64_t begin = -1);

// catalogue_loss.cpp
void add_cross_entropy(Cases& out, int64_t n, int64_t classes, double smoothing);
void add_small_loss_cases(Cases& out);
void add_large_loss_cases(Cases& out);

// catalogue_disentangled.cpp: DeBERTa's attention.
void add_small_disentangled_cases(Cases& out);
void add_large_disentangled_cases(Cases& out);

// catalogue_decoder.cpp: the ops that only decoders use.
void add_small_decoder_cases(Cases& out);
void add_large_decoder_cases(Cases& out);

}  // namespace catalogue
