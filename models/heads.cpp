#include "models/heads.h"

#include "engine/ops/dropout.h"
#include "engine/ops/linear.h"

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
    dense =
        std::make_unique<Linear>(*this, names_.dense, f.hidden, width, names_.dense_role, f.layers);
    // Base checkpoints without a pooler exist; transformers starts it fresh as well, and says so.
    dense->weight.required = dense->bias.required = false;
  }
  out = std::make_unique<Linear>(*this, names_.out, dense ? width : f.hidden, outputs, Role::head,
                                 f.layers, names_.out_bias);
  engine::set_init_std(*this, f.init_std);
}

Tensor Classifier::operator()(Graph& g, Tensor x) {
  if (dense) {
    if (names_.drop_first) x = engine::dropout(g, std::move(x), names_.dropout);
    x = (*dense)(g, x, names_.act);
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
    : Module(parent, ""), names_(std::move(names)), words_(words) {
  const int64_t width = names_.width ? names_.width : in;
  if (names_.tied && !names_.tied_bias.empty()) {
    declare(tied_bias_, names_.tied_bias, {words.entries()}, Role::lm_head, after,
            engine::Init::zeros);
    tied_bias_.bias = true;
  }
  if (!names_.dense.empty())
    dense_ = std::make_unique<Linear>(*this, names_.dense, in, width, Role::lm_head, after);
  if (!names_.norm.empty())
    norm_ = std::make_unique<engine::LayerNorm>(*this, names_.norm, width, names_.norm_eps,
                                                Role::lm_head, after);
  engine::check(!names_.tied || width == words.width(), "model", "the rows of the head are ", width,
                " wide, the table of words ", words.width());
  if (!names_.tied)
    out_ = std::make_unique<Linear>(*this, names_.out, width, words.entries(), Role::lm_head, after,
                                    names_.out_bias);
}

Tensor VocabularyHead::transformed(Graph& g, const Tensor& x) {
  Tensor t = dense_ ? (*dense_)(g, x, names_.act) : x;
  return norm_ ? (*norm_)(g, t) : t;
}

Tensor VocabularyHead::weight(Graph& g) { return g.use(out_ ? out_->weight : words_.weight); }

Tensor VocabularyHead::bias(Graph& g) {
  if (out_) return out_->has_bias ? g.use(out_->bias) : Tensor();
  return names_.tied_bias.empty() ? Tensor() : g.use(tied_bias_);
}

Tensor VocabularyHead::logits(Graph& g, const Tensor& x) {
  const Tensor t = transformed(g, x);
  return out_ ? (*out_)(g, t) : engine::linear(g, t, weight(g), bias(g));
}

Tensor VocabularyHead::loss(Graph& g, const Tensor& x, const std::vector<int32_t>& labels,
                            const engine::VocabularyLossOptions& options) {
  const Tensor t = transformed(g, x);
  return engine::vocabulary_loss(g, t, weight(g), bias(g), labels, options);
}

}  // namespace models
