// What the families' layers are made of. A family's file has the layer itself: its parts, their
// names and roles, and the order in which they compute (bert.h is the one to copy for post-LN).
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/base/token_batch.h"
#include "engine/nn/embedding.h"
#include "engine/nn/hooks.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/ops/attention.h"
#include "engine/ops/kv_cache.h"
#include "models/infix.h"

namespace models {

// A batch as a layer sees it.
struct Rows {
  const engine::Segments& segments;
  // The last layer computes only these rows of its output: keys and values of all tokens, all else
  // of these. Null: all rows.
  const engine::RowSelection* only = nullptr;
  // Earlier tokens of every sequence, and the layer's number in it (causal.h); null: none.
  engine::KvCache* cache = nullptr;
  int layer = 0;
  bool continued = false;            // the cache holds tokens already, and the prefix before them
  const InfixRows* infix = nullptr;  // the prefix stands inside the sequences

  // (rows, width): x at those rows. Take it before x is used for keys and values, so that its
  // gradient adds to theirs.
  engine::Tensor select(engine::Graph& g, const engine::Tensor& x) const;
  // The layer's prefix, unless the cache has it.
  engine::KeyValue prefix(engine::Graph& g, engine::KvPoint& front) const {
    return continued ? engine::KeyValue{} : front(g);
  }
};

// (rows, width of q): attention with q at rows.only, k and v of all tokens, and `front` before
// them, or inside by rows.infix. With a cache, k and v are added to it, with `front` where that is
// new.
engine::Tensor attend(engine::Graph& g, const engine::Tensor& q, const engine::Tensor& k,
                      const engine::Tensor& v, const Rows& rows,
                      const engine::AttentionOptions& options, const engine::KeyValue& front);

// The end of a post-LN sub-layer: norm(x + hooks(dropout(h))), in one pass where there is no hook.
engine::Tensor add_norm(engine::Graph& g, engine::HookPoint& point, engine::Tensor h,
                        const engine::Tensor& x, engine::LayerNorm& norm, double dropout);
// The end of a pre-LN sub-layer: x + hooks(dropout(h)).
engine::Tensor add_residual(engine::Graph& g, engine::HookPoint& point, engine::Tensor h,
                            const engine::Tensor& x, double dropout = 0);

// (tokens) the place of every token in its sequence, plus `offset`; lives as long as the graph.
// Throws for a sequence of more than `longest` tokens.
std::span<const int32_t> position_ids(engine::Graph& g, const engine::Segments& segments,
                                      int64_t longest, int64_t offset = 0);

// dropout(LN(words + positions + types)): the embeddings of BERT and its family, by its names.
class TokenEmbeddings : public engine::Module {
 public:
  struct Sizes {
    int64_t vocab, positions, types, width;  // types 0: none
    int64_t offset;                          // of the first position (RoBERTa: pad_token_id + 1)
    double eps, dropout;
  };

  TokenEmbeddings(engine::Module& parent, std::string name, const Sizes& sizes);
  engine::Tensor operator()(engine::Graph& g, const engine::Tokens& tokens);  // (tokens, width)

  int64_t longest() const { return sizes_.positions - sizes_.offset; }

 private:
  Sizes sizes_;

 public:
  engine::Embedding words, positions;
  std::unique_ptr<engine::Embedding> types;
  engine::LayerNorm norm;
};

}  // namespace models
