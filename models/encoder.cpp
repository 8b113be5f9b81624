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

Embeddings::Embeddings(const ModelConfig& config)
    : word(config.vocab_size, config.embedding_size),
      position(config.max_position_embeddings, config.embedding_size),
      norm(config.embedding_size, config.layer_norm_eps, Role::embedding_norm, -1),
      config_(config) {
  declare(word, "word_embeddings");
  declare(position, "position_embeddings");
  if (config.type_vocab_size > 0) {
    type = std::make_unique<Table>(config.type_vocab_size, config.embedding_size);
    declare(*type, "token_type_embeddings");
  }
  declare(norm, "LayerNorm");
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

EncoderLayer::EncoderLayer(const ModelConfig& c, int layer)
    : query(c.hidden_size, c.hidden_size, Role::query, layer),
      key(c.hidden_size, c.hidden_size, Role::key, layer),
      value(c.hidden_size, c.hidden_size, Role::value, layer),
      attention_output(c.hidden_size, c.hidden_size, Role::attention_output, layer),
      attention_norm(c.hidden_size, c.layer_norm_eps, Role::attention_norm, layer),
      ffn_in(c.hidden_size, c.intermediate_size, Role::ffn_in, layer),
      ffn_out(c.intermediate_size, c.hidden_size, Role::ffn_out, layer),
      ffn_norm(c.hidden_size, c.layer_norm_eps, Role::ffn_norm, layer),
      config_(c),
      layer_(layer) {
  const Names& n = names_of(c.family);
  declare(query, n.query);
  declare(key, n.key);
  declare(value, n.value);
  declare(attention_output, n.attention_output);
  declare(attention_norm, n.attention_norm);
  declare(after_attention_, n.after_attention);
  declare(ffn_in, n.ffn_in);
  declare(ffn_out, n.ffn_out);
  declare(ffn_norm, n.ffn_norm);
  declare(after_ffn_, n.after_ffn);
  for (Linear* linear : {&query, &key, &value, &attention_output, &ffn_in, &ffn_out})
    linear->weight.init_std = c.initializer_range;
}

Tensor EncoderLayer::finish(Graph& g, Tensor h, const Tensor& residual, engine::LayerNorm& norm,
                            double dropout, const Hooks& hooks) {
  if (hooks.empty()) return norm(g, std::move(h), residual, dropout);
  h = engine::dropout(g, std::move(h), dropout);
  for (const auto& hook : hooks) h = hook->apply(g, {residual, h, norm});
  return norm(g, std::move(h), residual, 0);
}

Tensor EncoderLayer::operator()(Graph& g, const Tensor& x, const Segments& segments,
                                const engine::KeyValue& prefix, const engine::RowChoice* rows) {
  const bool distil = config_.family == Family::distilbert;
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
                               distil ? 0 : config_.hidden_dropout, attention_hooks_);
  h = ffn_out(g, ffn_in(g, middle, config_.hidden_act));
  return finish(g, std::move(h), middle, ffn_norm, config_.hidden_dropout, ffn_hooks_);
}

void EncoderLayer::add_sites(engine::Sites& sites, const std::string& path) {
  const Names& n = names_of(config_.family);
  const auto linear = [&](Linear& l, Role role, const std::string& name) {
    sites.linears.push_back({&l, role, layer_, 0, l.out(), path + name});
  };
  linear(query, Role::query, n.query);
  linear(key, Role::key, n.key);
  linear(value, Role::value, n.value);
  linear(attention_output, Role::attention_output, n.attention_output);
  linear(ffn_in, Role::ffn_in, n.ffn_in);
  linear(ffn_out, Role::ffn_out, n.ffn_out);
  sites.points.push_back({engine::Point::after_attention, layer_, config_.hidden_size,
                          &attention_hooks_, &after_attention_, path + n.after_attention});
  sites.points.push_back({engine::Point::after_ffn, layer_, config_.hidden_size, &ffn_hooks_,
                          &after_ffn_, path + n.after_ffn});
}

Encoder::Encoder(const ModelConfig& config) : embeddings(config), config_(config) {
  declare(embeddings, "embeddings");
  if (config.embedding_size != config.hidden_size) {
    projection = std::make_unique<Linear>(config.embedding_size, config.hidden_size,
                                          Role::embedding_projection, -1);
    declare(*projection, "embeddings_project");
  }
  for (int i = 0; i < config.num_hidden_layers; ++i) {
    layers.push_back(std::make_unique<EncoderLayer>(config, i));
    declare(*layers.back(), names_of(config.family).layers + "." + std::to_string(i));
  }
}

Tensor Encoder::operator()(Graph& g, const engine::TokenBatch& batch, engine::KvHook* prefix,
                           const engine::RowChoice* rows) {
  engine::counters().tokens += batch.tokens();
  Tensor x = embeddings(g, batch);
  if (projection) x = (*projection)(g, x);
  for (size_t i = 0; i < layers.size(); ++i)
    x = (*layers[i])(g, x, batch.segments,
                     prefix ? prefix->prefix(g, static_cast<int>(i)) : engine::KeyValue{},
                     i + 1 == layers.size() ? rows : nullptr);
  return x;
}

void Encoder::add_sites(engine::Sites& sites, const std::string& path) {
  for (size_t i = 0; i < layers.size(); ++i)
    layers[i]->add_sites(sites,
                         path + names_of(config_.family).layers + "." + std::to_string(i) + ".");
}

}  // namespace models
