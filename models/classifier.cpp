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
    : config_(std::move(config)), encoder_(*this, names_of(config_.family).base, config_) {
  const int64_t h = config_.hidden_size;
  const int after = config_.num_hidden_layers;
  const auto make = [&](const char* name, int64_t out, Role role) {
    auto linear = std::make_unique<Linear>(*this, name, h, out, role, after);
    linear->weight.init_std = config_.initializer_range;
    return linear;
  };
  switch (config_.family) {
    case Family::bert:
      pooler_ = make("bert.pooler.dense", h, Role::pooler);
      // Base checkpoints without a pooler exist; transformers starts it fresh as well, and says so.
      pooler_->weight.required = pooler_->bias.required = false;
      out_ = make("classifier", config_.num_labels, Role::head);
      break;
    case Family::roberta:
    case Family::electra:
      dense_ = make("classifier.dense", h, Role::head);
      out_ = make("classifier.out_proj", config_.num_labels, Role::head);
      break;
    case Family::distilbert:
      dense_ = make("pre_classifier", h, Role::head);
      out_ = make("classifier", config_.num_labels, Role::head);
      break;
  }
}

engine::Sites SequenceClassifier::sites() {
  engine::Sites sites = engine::collect_sites(*this);
  sites.model_type = config_.model_type;
  sites.layers = config_.num_hidden_layers;
  sites.heads = sites.kv.heads = config_.num_attention_heads;
  sites.hidden = config_.hidden_size;
  return sites;
}

Tensor SequenceClassifier::encode(Graph& g, const engine::TokenBatch& batch) {
  return encoder_(g, batch);
}

Tensor SequenceClassifier::encode_first(Graph& g, const engine::TokenBatch& batch) {
  first_.choose_first(batch.segments);
  return encoder_(g, batch, &first_);
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
