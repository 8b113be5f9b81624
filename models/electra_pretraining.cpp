#include "models/electra_pretraining.h"

#include <algorithm>
#include <cmath>

#include "engine/base/philox.h"
#include "engine/ops/activation.h"
#include "engine/ops/elementwise.h"
#include "engine/tensor/parallel.h"
#include "models/vocabulary_loss.h"

namespace models {

using engine::check;
using engine::Graph;
using engine::Role;
using engine::Scalar;
using engine::Tensor;

namespace {

ModelConfig generator_of(const ModelConfig& c, double part) {
  check(part > 0 && part <= 1, "electra_pretraining", "a generator of ", part,
        " of the model's width; expected a part in (0, 1]");
  ModelConfig g = c;
  g.num_attention_heads = std::max(1, static_cast<int>(std::lround(c.num_attention_heads * part)));
  const int64_t width = c.hidden_size / c.num_attention_heads;  // of a head: kept
  g.hidden_size = width * g.num_attention_heads;
  g.intermediate_size =
      std::max<int64_t>(width, std::llround(static_cast<double>(c.intermediate_size) * part));
  return g;
}

}  // namespace

ElectraPretraining::ElectraPretraining(ModelConfig config, double generator)
    : config_(std::move(config)),
      generator_config_(generator_of(config_, generator)),
      encoder_(*this, "electra", config_),
      dense_(*this, "discriminator_predictions.dense", config_.hidden_size, config_.hidden_size,
             Role::head, config_.num_hidden_layers),
      prediction_(*this, "discriminator_predictions.dense_prediction", config_.hidden_size, 1,
                  Role::head, config_.num_hidden_layers) {
  check(config_.family == Family::electra, "electra_pretraining", "model_type '",
        config_.model_type, "' cannot be pretrained with rtd",
        engine::hint("use type=electra, or the objective mlm with type=bert"));
  dense_.weight.init_std = prediction_.weight.init_std = config_.initializer_range;
  const ModelConfig& g = generator_config_;
  if (g.hidden_size != g.embedding_size) {
    generator_in_ =
        std::make_unique<engine::Linear>(*this, "generator.embeddings_project", g.embedding_size,
                                         g.hidden_size, Role::embedding_projection, -1);
    generator_in_->weight.init_std = g.initializer_range;
  }
  for (int i = 0; i < g.num_hidden_layers; ++i)
    generator_layers_.push_back(std::make_unique<EncoderLayer>(
        *this, "generator.encoder.layer." + std::to_string(i), g, i));
  generator_head_ = std::make_unique<TiedHead>(
      *this, "", g, g.hidden_size, g.embedding_size, "generator_predictions.dense",
      "generator_predictions.LayerNorm", "generator_lm_head.bias");
}

Tensor ElectraPretraining::discriminate(Graph& g, const engine::TokenBatch& batch) {
  return prediction_(g, dense_(g, encoder_(g, batch), config_.hidden_act));
}

std::vector<int32_t> sample_rows(const Tensor& logits, uint64_t key) {
  constexpr int64_t kPart = 128;  // classes that are passed over at once
  std::vector<int32_t> drawn(static_cast<size_t>(logits.rows()));
  const int64_t classes = logits.cols();
  engine::parallel_for(logits.rows(), 8 * classes, [&](int64_t begin, int64_t end) {
    engine::RowArray weight(classes);
    for (int64_t r = begin; r < end; ++r) {
      weight = (logits.row_array(r) - logits.row_array(r).maxCoeff()).exp();
      double total = 0;
      for (int64_t c = 0; c < classes; c += kPart)
        total += static_cast<double>(weight.segment(c, std::min(kPart, classes - c)).sum());
      const auto bits = engine::philox(key, static_cast<uint64_t>(r), 0x647261776eull);
      double left = (bits[0] + 0.5) / 4294967296.0 * total;
      int64_t c = 0;
      for (; c + kPart < classes; c += kPart) {
        const auto part = static_cast<double>(weight.segment(c, kPart).sum());
        if (left < part) break;
        left -= part;
      }
      const int64_t stop = std::min(c + kPart, classes) -
                           1;  // rounding may leave a little at the end: the last one then
      for (; c < stop; ++c) {
        left -= static_cast<double>(weight[c]);
        if (left < 0) break;
      }
      drawn[static_cast<size_t>(r)] = static_cast<int32_t>(c);
    }
  });
  return drawn;
}

Tensor ElectraPretraining::loss(Graph& g, const engine::TokenBatch& batch,
                                const std::vector<int32_t>& rows,
                                const std::vector<int32_t>& labels, double weight, uint64_t key,
                                RtdCounts* counts) {
  RtdCounts unused;
  RtdCounts& c = counts ? *counts : unused;
  Tensor x = encoder_.embeddings(g, batch);
  if (generator_in_) x = (*generator_in_)(g, x);
  const size_t last = generator_layers_.size() - 1;
  for (size_t i = 0; i < last; ++i) x = (*generator_layers_[i])(g, x, batch.segments);
  masked_.choose(batch.segments, rows);
  x = (*generator_layers_[last])(g, x, batch.segments, &masked_);
  engine::Embedding& words = encoder_.embeddings.word;
  std::vector<int32_t> drawn;
  const Tensor guess =
      generator_head_->loss(g, x, words, labels, &c.generator_correct,
                            [&](const Tensor& logits) { drawn = sample_rows(logits, key); });
  c.generator_loss = static_cast<double>(*guess.data());

  corrupted_ = batch;
  std::vector<uint8_t> replaced(static_cast<size_t>(batch.tokens()), 0);
  c.replaced = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<size_t>(rows[i]);
    corrupted_.ids[row] = drawn[i];
    c.replaced += replaced[row] = drawn[i] != labels[i];
  }
  const Tensor found =
      binary_loss(g, discriminate(g, corrupted_), replaced, &c.discriminator_correct);
  c.discriminator_loss = static_cast<double>(*found.data());
  return engine::add(g, engine::scale(g, found, static_cast<Scalar>(weight)), guess);
}

}  // namespace models
