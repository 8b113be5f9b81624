#include "models/electra_pretraining.h"

#include <algorithm>
#include <cmath>

#include "engine/base/philox.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/tensor/parallel.h"
#include "models/registry.h"

namespace models {

using engine::check;
using engine::Graph;
using engine::Linear;
using engine::Role;
using engine::Scalar;
using engine::Tensor;

namespace {

BertConfig generator_of(const BertConfig& c, double part) {
  check(part > 0 && part <= 1, "electra_pretraining", "a generator of ", part,
        " of the model's width; expected a part in (0, 1]");
  BertConfig g = c;
  g.heads = std::max(1, static_cast<int>(std::lround(c.heads * part)));
  const int64_t width = c.hidden / c.heads;  // of a head: kept
  g.hidden = width * g.heads;
  g.ffn = std::max<int64_t>(width, std::llround(static_cast<double>(c.ffn) * part));
  return g;
}

BertModel& electra(Model& model) {
  auto* bert = dynamic_cast<BertModel*>(&model);
  check(bert && model.facts().model_type == "electra", "electra_pretraining", "model_type '",
        model.facts().model_type, "' cannot be pretrained with rtd",
        engine::hint("use type=electra, or the objective mlm with type=bert"));
  return *bert;
}

}  // namespace

ElectraGenerator::ElectraGenerator(BertModel& model, double part)
    : Module(model, ""), model_(model), config_(generator_of(model.config, part)) {
  if (config_.hidden != config_.embedding)
    projection_ = std::make_unique<Linear>(*this, "generator.embeddings_project", config_.embedding,
                                           config_.hidden, Role::embedding_projection, -1);
  for (int i = 0; i < config_.layers; ++i)
    layers_.push_back(std::make_unique<BertLayer>(
        *this, "generator.encoder.layer." + std::to_string(i), config_, i));
  head_ = std::make_unique<VocabularyHead>(*this, model.names(HeadKind::masked_lm), config_.hidden,
                                           model.words(), config_.layers);
  engine::set_init_std(*this, config_.init_std);
}

Tensor ElectraGenerator::loss(Graph& g, const engine::Batch& batch,
                              const std::vector<int32_t>& rows, const std::vector<int32_t>& labels,
                              const engine::VocabularyLossOptions& options) {
  auto& masked = g.recycle<engine::RowSelection>();
  masked.choose(batch.segments, rows);
  Tensor x = model_.embeddings(g, batch);
  if (projection_) x = (*projection_)(g, x);
  for (const auto& layer : layers_)
    x = (*layer)(g, x, {batch.segments, layer == layers_.back() ? &masked : nullptr});
  return head_->loss(g, x, labels, options);
}

ElectraPretraining::ElectraPretraining(ModelConfig config, double generator)
    : config_(std::move(config)), model_(make_model(config_.json, config_.where)) {
  BertModel& model = electra(*model_);
  head_ = std::make_unique<Classifier>(model, HeadKind::replaced_token, 1);
  generator_ = std::make_unique<ElectraGenerator>(model, generator);
  declare(model, "");
}

Tensor ElectraPretraining::discriminate(Graph& g, const engine::Batch& batch) {
  return (*head_)(g, model_->encode(g, batch));
}

std::vector<int32_t> sample_rows(const Tensor& logits, uint64_t key, int64_t first) {
  engine::DryRun::refuse("electra_pretraining");
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
      const auto bits = engine::philox(key, static_cast<uint64_t>(first + r), 0x647261776eull);
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

Tensor ElectraPretraining::loss(Graph& g, const engine::Batch& batch,
                                const std::vector<int32_t>& rows,
                                const std::vector<int32_t>& labels, double weight, uint64_t key,
                                RtdCounts* counts) {
  RtdCounts unused;
  RtdCounts& c = counts ? *counts : unused;
  std::vector<int32_t> drawn;
  const Tensor guess = generator_->loss(
      g, batch, rows, labels,
      {.correct = &c.generator_correct, .look = [&](const Tensor& logits, int64_t first) {
         const auto block = sample_rows(logits, key, first);
         drawn.insert(drawn.end(), block.begin(), block.end());
       }});
  c.generator_loss = static_cast<double>(guess.value());

  auto& corrupted = g.recycle<engine::Batch>();
  corrupted = batch;
  std::vector<double> replaced(static_cast<size_t>(batch.tokens()), 0);
  c.replaced = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<size_t>(rows[i]);
    corrupted.ids[row] = drawn[i];
    replaced[row] = drawn[i] != labels[i];
    c.replaced += drawn[i] != labels[i];
  }
  c.ids = corrupted.ids;
  const Tensor logits = discriminate(g, corrupted);
  c.discriminator_correct = 0;
  for (size_t i = 0; i < replaced.size(); ++i)
    c.discriminator_correct += (logits.data()[i] > 0) == (replaced[i] > 0);
  const Tensor found = engine::binary_cross_entropy(g, logits, replaced.data());
  c.discriminator_loss = static_cast<double>(found.value());
  return engine::add(g, engine::scale(g, found, static_cast<Scalar>(weight)), guess);
}

}  // namespace models
