#include "models/classifier.h"

#include "engine/ops/dropout.h"
#include "engine/ops/loss.h"

namespace models {

using engine::Activation;
using engine::Graph;
using engine::Linear;
using engine::Role;
using engine::Tensor;

SequenceClassifier::SequenceClassifier(ModelConfig config)
    : config_(std::move(config)), encoder_(config_) {
  const int64_t h = config_.hidden_size;
  const int after = config_.num_hidden_layers;
  declare(encoder_, names_of(config_.family).base);
  out_ = std::make_unique<Linear>(h, config_.num_labels, Role::head, after);
  switch (config_.family) {
    case Family::bert:
      pooler_ = std::make_unique<Linear>(h, h, Role::pooler, after);
      declare(*pooler_, "bert.pooler.dense");
      out_name_ = "classifier";
      break;
    case Family::roberta:
    case Family::electra:
      dense_name_ = "classifier.dense";
      out_name_ = "classifier.out_proj";
      break;
    case Family::distilbert:
      dense_name_ = "pre_classifier";
      out_name_ = "classifier";
      break;
  }
  if (!dense_name_.empty()) {
    dense_ = std::make_unique<Linear>(h, h, Role::head, after);
    declare(*dense_, dense_name_);
    dense_->weight.init_std = config_.initializer_range;
  }
  declare(*out_, out_name_);
  out_->weight.init_std = config_.initializer_range;
  if (pooler_) {
    pooler_->weight.init_std = config_.initializer_range;
    // Base checkpoints without a pooler exist; transformers starts it fresh as well, and says so.
    pooler_->weight.required = pooler_->bias.required = false;
  }
}

engine::Sites SequenceClassifier::sites() {
  engine::Sites sites;
  sites.model_type = config_.model_type;
  sites.layers = config_.num_hidden_layers;
  sites.heads = config_.num_attention_heads;
  sites.hidden = config_.hidden_size;
  encoder_.add_sites(sites, names_of(config_.family).base + ".");
  if (pooler_)
    sites.linears.push_back(
        {pooler_.get(), Role::pooler, sites.layers, 0, pooler_->out(), "bert.pooler.dense"});
  if (dense_)
    sites.linears.push_back(
        {dense_.get(), Role::head, sites.layers, 0, dense_->out(), dense_name_});
  sites.linears.push_back({out_.get(), Role::head, sites.layers, 0, out_->out(), out_name_});
  sites.kv = {sites.layers, sites.heads, sites.hidden, &prefix_, this};
  return sites;
}

Tensor SequenceClassifier::encode(Graph& g, const engine::TokenBatch& batch) {
  return encoder_(g, batch, prefix_.get());
}

Tensor SequenceClassifier::encode_first(Graph& g, const engine::TokenBatch& batch) {
  first_.choose_first(batch.segments);
  return encoder_(g, batch, prefix_.get(), &first_);
}

Tensor SequenceClassifier::head(Graph& g, Tensor x) {
  const double p = config_.classifier_dropout;
  switch (config_.family) {
    case Family::bert:
      x = (*pooler_)(g, x, Activation::tanh);
      break;
    case Family::roberta:
      x = (*dense_)(g, engine::dropout(g, std::move(x), p), Activation::tanh);
      break;
    case Family::electra:
      x = (*dense_)(g, engine::dropout(g, std::move(x), p), Activation::gelu);
      break;
    case Family::distilbert:
      x = (*dense_)(g, x, Activation::relu);
      break;
  }
  return (*out_)(g, engine::dropout(g, std::move(x), p));
}

Tensor SequenceClassifier::logits(Graph& g, const engine::TokenBatch& batch) {
  return head(g, encode_first(g, batch));
}

Tensor SequenceClassifier::loss(Graph& g, const Tensor& logits, const engine::TokenBatch& batch,
                                double label_smoothing) {
  engine::check(batch.labels.size() == static_cast<size_t>(logits.rows()), "loss", "the batch has ",
                batch.labels.size(), " labels for ", logits.rows(), " sequences");
  if (config_.num_labels == 1) return engine::mse(g, logits, batch.labels.data());
  return engine::cross_entropy(g, logits, batch.labels.data(), label_smoothing);
}

}  // namespace models
