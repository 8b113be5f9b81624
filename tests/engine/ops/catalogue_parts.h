// What the files of the catalogue share.
#pragma once

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
};
void add_attention(Cases& out, const AttentionSize& a);
void add_small_attention_cases(Cases& out);
void add_large_attention_cases(Cases& out);

// catalogue_disentangled.cpp: DeBERTa's attention.
void add_small_disentangled_cases(Cases& out);
void add_large_disentangled_cases(Cases& out);

// catalogue_decoder.cpp: the ops that only decoders use.
void add_small_decoder_cases(Cases& out);
void add_large_decoder_cases(Cases& out);

}  // namespace catalogue
