#include "models/encoder.h"

#include "engine/ops/attention.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"

namespace models {

using engine::check;
using engine::Graph;
using engine::hint;
using engine::Linear;
using engine::Role;
using engine::Segments;
using engine::Tensor;

Embeddings::Embeddings(engine::Module& parent, const ModelConfig& config)
    : Module(parent, "embeddings"),
      word(*this, "word_embeddings", config.vocab_size, config.embedding_size),
      position(*this, "position_embeddings", config.max_position_embeddings, config.embedding_size),
      type(config.type_vocab_size > 0
               ? std::make_unique<engine::Embedding>(*this, "token_type_embeddings",
                                                     config.type_vocab_size, config.embedding_size)
               : nullptr),
      norm(*this, "LayerNorm", config.embedding_size, config.layer_norm_eps, Role::embedding_norm,
           -1),
      config_(config) {
  word.weight.init_std = position.weight.init_std = config.initializer_range;
}

Tensor Embeddings::operator()(Graph& g, const engine::TokenBatch& batch) {
  const int64_t n = batch.tokens(), longest = config_.longest_sequence();
  check(batch.segments.longest() <= longest, "embeddings", "a sequence of ",
        batch.segments.longest(), " tokens does not fit the ", longest, " positions of this model",
        hint("give --max-length ", longest, " or less"));
  positions_.resize(static_cast<size_t>(n));
  for (int s = 0; s < batch.sequences(); ++s)
    for (int32_t i = 0; i < batch.segments.length(s); ++i)
      positions_[static_cast<size_t>(batch.segments.begin(s) + i)] =
          i + static_cast<int32_t>(config_.position_offset);
  Tensor x;
  if (type) {
    types_.assign(static_cast<size_t>(n), 0);
    if (config_.type_vocab_size > 1)
      std::copy(batch.types.begin(), batch.types.end(), types_.begin());
    x = engine::embedding_sum(g,
                              {{g.use(word.weight), batch.ids.data()},
                               {g.use(position.weight), positions_.data()},
                               {g.use(type->weight), types_.data()}},
                              n);
  } else {
    x = engine::embedding_sum(
        g, {{g.use(word.weight), batch.ids.data()}, {g.use(position.weight), positions_.data()}},
        n);
  }
  return engine::dropout(g, norm(g, x), config_.hidden_dropout);
}

EncoderLayer::EncoderLayer(engine::Module& parent, std::string name, const ModelConfig& c,
                           int layer)
    : Module(parent, std::move(name)),
      query(*this, names_of(c.family).query, c.hidden_size, c.hidden_size, Role::query, layer),
      key(*this, names_of(c.family).key, c.hidden_size, c.hidden_size, Role::key, layer),
      value(*this, names_of(c.family).value, c.hidden_size, c.hidden_size, Role::value, layer),
      attention_output(*this, names_of(c.family).attention_output, c.hidden_size, c.hidden_size,
                       Role::attention_output, layer),
      attention_norm(*this, names_of(c.family).attention_norm, c.hidden_size, c.layer_norm_eps,
                     Role::attention_norm, layer),
      after_attention(*this, names_of(c.family).after_attention, c.hidden_size,
                      engine::Point::after_attention, layer),
      ffn_in(*this, names_of(c.family).ffn_in, c.hidden_size, c.intermediate_size, Role::ffn_in,
             layer),
      ffn_out(*this, names_of(c.family).ffn_out, c.intermediate_size, c.hidden_size, Role::ffn_out,
              layer),
      ffn_norm(*this, names_of(c.family).ffn_norm, c.hidden_size, c.layer_norm_eps, Role::ffn_norm,
               layer),
      after_ffn(*this, names_of(c.family).after_ffn, c.hidden_size, engine::Point::after_ffn,
                layer),
      front(*this, c.hidden_size, layer),
      config_(c) {
  for (Linear* linear : {&query, &key, &value, &attention_output, &ffn_in, &ffn_out})
    linear->weight.init_std = c.initializer_range;
}

Tensor EncoderLayer::finish(Graph& g, Tensor h, const Tensor& residual, engine::LayerNorm& norm,
                            double dropout, engine::HookPoint& point) {
  if (point.empty()) return norm(g, std::move(h), residual, dropout);
  h = point(g, residual, engine::dropout(g, std::move(h), dropout), &norm);
  return norm(g, std::move(h), residual, 0);
}

Tensor EncoderLayer::operator()(Graph& g, const Tensor& x, const Segments& segments,
                                const engine::RowChoice* rows) {
  const bool distil = config_.family == Family::distilbert;
  const engine::KeyValue prefix = front(g);
  const Tensor at = rows ? engine::select_rows(g, x, rows->rows)
                         : x;  // before k and v: its gradient adds to theirs
  Tensor h;
  {
    const Tensor q = query(g, at), k = key(g, x), v = value(g, x);
    const engine::AttentionOptions options{config_.num_attention_heads, false,
                                           config_.attention_dropout};
    h = attention_output(g, engine::attention(g, q, k, v, segments, options, prefix.key,
                                              prefix.value, rows ? &rows->segments : nullptr));
  }
  const Tensor middle = finish(g, std::move(h), at, attention_norm,
                               distil ? 0 : config_.hidden_dropout, after_attention);
  h = ffn_out(g, ffn_in(g, middle, config_.hidden_act));
  return finish(g, std::move(h), middle, ffn_norm, config_.hidden_dropout, after_ffn);
}

Encoder::Encoder(engine::Module& parent, std::string name, const ModelConfig& config)
    : Module(parent, std::move(name)), embeddings(*this, config), config_(config) {
  if (config.embedding_size != config.hidden_size)
    projection = std::make_unique<Linear>(*this, "embeddings_project", config.embedding_size,
                                          config.hidden_size, Role::embedding_projection, -1);
  for (int i = 0; i < config.num_hidden_layers; ++i)
    layers.push_back(std::make_unique<EncoderLayer>(
        *this, names_of(config.family).layers + "." + std::to_string(i), config, i));
}

Tensor Encoder::operator()(Graph& g, const engine::TokenBatch& batch,
                           const engine::RowChoice* rows) {
  engine::counters().tokens += batch.tokens();
  Tensor x = embeddings(g, batch);
  if (projection) x = (*projection)(g, x);
  for (size_t i = 0; i < layers.size(); ++i)
    x = (*layers[i])(g, x, batch.segments, i + 1 == layers.size() ? rows : nullptr);
  return x;
}

}  // namespace models
