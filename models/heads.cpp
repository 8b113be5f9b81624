#include "models/heads.h"

#include "engine/ops/dropout.h"

namespace models {

using engine::Graph;
using engine::Linear;
using engine::Role;
using engine::Tensor;

Classifier::Classifier(Model& model, HeadKind kind, int64_t outputs)
    : Module(model, ""), names_(model.names(kind)) {
  const Facts& f = model.facts();
  const int64_t width = names_.width ? names_.width : f.hidden;
  if (!names_.dense.empty()) {
    dense = std::make_unique<Linear>(*this, names_.dense, f.hidden, width, names_.dense_role,
                                     f.layers, names_.dense_bias);
    // Base checkpoints without a pooler exist; transformers starts it fresh as well, and says so.
    dense->weight.required = dense->bias.required = false;
    if (!names_.norm.empty()) {
      norm = std::make_unique<engine::LayerNorm>(*this, names_.norm, width, names_.norm_eps,
                                                 names_.dense_role, f.layers, names_.norm_bias);
      norm->weight.required = norm->bias.required = false;
    }
  }
  out = std::make_unique<Linear>(*this, names_.out, dense ? width : f.hidden, outputs, Role::head,
                                 f.layers, names_.out_bias);
  engine::set_init_std(*this, f.init_std);
}

Tensor Classifier::operator()(Graph& g, Tensor x) {
  if (dense) {
    const double first = names_.first_dropout < 0 ? names_.dropout : names_.first_dropout;
    if (names_.drop_first) x = engine::dropout(g, std::move(x), first);
    x = (*dense)(g, x, names_.act);
    if (norm) x = (*norm)(g, x);
  }
  return (*out)(g, engine::dropout(g, std::move(x), names_.dropout));
}

VocabularyHead::VocabularyHead(Model& model, HeadKind kind)
    : VocabularyHead(model, model.names(kind), model.facts().hidden, model.words(),
                     model.facts().layers) {
  engine::set_init_std(*this, model.facts().init_std);
}

VocabularyHead::VocabularyHead(engine::Module& parent, HeadNames names, int64_t in,
                               engine::Embedding& words, int after)
    : Module(parent, ""), names_(std::move(names)) {
  const int64_t width = names_.width ? names_.width : in;
  if (!names_.tied_bias.empty() && (names_.tied || names_.fixed_bias)) {
    const auto dims = names_.fixed_bias ? std::vector<int64_t>{1, words.entries()}
                                        : std::vector<int64_t>{words.entries()};
    declare(tied_bias_, names_.tied_bias, dims, Role::lm_head, after, engine::Init::zeros);
    tied_bias_.bias = true;
    tied_bias_.fixed = names_.fixed_bias;
  }
  if (!names_.dense.empty())
    dense_ = std::make_unique<Linear>(*this, names_.dense, in, width, Role::lm_head, after,
                                      names_.dense_bias);
  if (!names_.norm.empty())
    norm_ = std::make_unique<engine::LayerNorm>(*this, names_.norm, width, names_.norm_eps,
                                                Role::lm_head, after, names_.norm_bias);
  engine::check(!names_.tied || width == words.width(), "model", "the rows of the head are ", width,
                " wide, the table of words ", words.width());
  if (names_.tied)
    out_ = std::make_unique<Linear>(*this, names_.out, words.weight,
                                    names_.tied_bias.empty() ? nullptr : &tied_bias_, Role::lm_head,
                                    after);
  else
    out_ = std::make_unique<Linear>(*this, names_.out, width, words.entries(), Role::lm_head, after,
                                    names_.out_bias);
  if (!names_.tied && names_.fixed_bias) out_->share_offset(tied_bias_);
}

Tensor VocabularyHead::transformed(Graph& g, const Tensor& x) {
  Tensor t = dense_ ? (*dense_)(g, x, names_.act) : x;
  return norm_ ? (*norm_)(g, t) : t;
}

Tensor VocabularyHead::logits(Graph& g, const Tensor& x) { return (*out_)(g, transformed(g, x)); }

Tensor VocabularyHead::loss(Graph& g, const Tensor& x, const std::vector<int32_t>& labels,
                            const engine::VocabularyLossOptions& options) {
  const Tensor t = transformed(g, x);
  engine::LowRank update;
  engine::check(out_->hooks().size() <= 1, "model", "there are ", out_->hooks().size(),
                " adapters on the output layer; one is possible");
  for (const auto& hook : out_->hooks())
    engine::check(hook->low_rank(g, t, update.u, update.v), "model",
                  "only LoRA without DoRA can be trained on the output layer");
  return engine::vocabulary_loss(g, t, g.use_weight(out_->kernel()),
                                 out_->has_bias ? g.use(out_->offset()) : Tensor(), update, labels,
                                 options);
}

}  // namespace models
