#include "models/blocks.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"

namespace models {

using engine::Embedding;
using engine::Graph;
using engine::Role;
using engine::Tensor;

Tensor Rows::select(Graph& g, const Tensor& x) const {
  return only ? engine::select_rows(g, x, only->rows) : x;
}

Tensor attend(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v, const Rows& rows,
              const engine::AttentionOptions& options, const engine::KeyValue& front) {
  const engine::Segments* queries = rows.only ? &rows.only->segments : nullptr;
  const std::vector<int32_t>* asking = rows.only ? &rows.only->rows : nullptr;
  if (rows.continued) {
    const engine::CachedAttention cached{options.heads,
                                         options.key_heads ? options.key_heads : options.heads,
                                         options.window, options.scale, options.bias};
    return engine::cached_attention(g, q, k, v, rows.segments, cached, *rows.cache, rows.layer,
                                    queries, asking);
  }
  if (rows.infix && front.key) {
    const InfixRows& infix = *rows.infix;
    const auto with = [&](const Tensor& x, const Tensor& learned) {
      return engine::embedding_sum(
          g, {{x, infix.own.data(), true}, {learned, infix.learned.data(), true}},
          infix.segments.rows());
    };
    const Tensor keys = with(k, front.key), values = with(v, front.value);
    if (rows.cache) engine::write_step(*rows.cache, rows.layer, infix.segments, keys, values);
    const engine::RowSelection& asked = rows.only ? infix.only : infix.all;
    return engine::attention(g, q, keys, values, infix.segments, options, {}, {}, &asked.segments,
                             &asked.rows);
  }
  if (rows.cache) {
    if (front.key) engine::write_shared(*rows.cache, rows.layer, front.key, front.value);
    engine::write_step(*rows.cache, rows.layer, rows.segments, k, v, front.key.rows());
  }
  return engine::attention(g, q, k, v, rows.segments, options, front.key, front.value, queries,
                           asking);
}

Tensor add_norm(Graph& g, engine::HookPoint& point, Tensor h, const Tensor& x,
                engine::LayerNorm& norm, double dropout) {
  if (point.empty()) return norm(g, std::move(h), x, dropout);
  h = point(g, x, engine::dropout(g, std::move(h), dropout), &norm);
  return norm(g, std::move(h), x, 0);
}

Tensor add_residual(Graph& g, engine::HookPoint& point, Tensor h, const Tensor& x, double dropout) {
  return engine::add(g, point(g, x, engine::dropout(g, std::move(h), dropout)), x);
}

std::span<const int32_t> position_ids(Graph& g, const engine::Segments& segments, int64_t longest,
                                      int64_t offset) {
  engine::check(segments.longest() <= longest, "embeddings", "a sequence of ", segments.longest(),
                " tokens does not fit the ", longest, " positions of this model",
                engine::hint("give --max-length ", longest, " or less"));
  const std::span<int32_t> ids = g.take<int32_t>(segments.rows());
  for (int s = 0; s < segments.count(); ++s)
    for (int32_t i = 0; i < segments.length(s); ++i)
      ids[static_cast<size_t>(segments.begin(s) + i)] = i + static_cast<int32_t>(offset);
  return ids;
}

TokenEmbeddings::TokenEmbeddings(engine::Module& parent, std::string name, const Sizes& sizes)
    : Module(parent, std::move(name)),
      sizes_(sizes),
      words(*this, "word_embeddings", sizes.vocab, sizes.width),
      positions(*this, "position_embeddings", sizes.positions, sizes.width),
      types(sizes.types > 0 ? std::make_unique<Embedding>(*this, "token_type_embeddings",
                                                          sizes.types, sizes.width)
                            : nullptr),
      norm(*this, "LayerNorm", sizes.width, sizes.eps, Role::embedding_norm, -1) {}

Tensor TokenEmbeddings::operator()(Graph& g, const engine::Tokens& tokens) {
  const int64_t n = tokens.tokens();
  const auto places = position_ids(g, tokens.segments, longest(), sizes_.offset);
  Tensor x;
  if (types) {
    const int32_t* ids = tokens.types.data();
    if (sizes_.types == 1) {  // RoBERTa: a second text is of the same type
      const auto zeros = g.take<int32_t>(n);
      std::fill(zeros.begin(), zeros.end(), 0);
      ids = zeros.data();
    }
    x = engine::look_up(g, {{words, tokens.ids.data()}, {positions, places.data()}, {*types, ids}},
                        n);
  } else {
    x = engine::look_up(g, {{words, tokens.ids.data()}, {positions, places.data()}}, n);
  }
  return engine::dropout(g, norm(g, x), sizes_.dropout);
}

}  // namespace models
