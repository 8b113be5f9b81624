// Normalisation by rows, and LayerNorm with Hugging Face's names "weight" and "bias".
#pragma once

#include "engine/nn/module.h"
#include "engine/ops/layer_norm.h"

namespace engine {

// What hooks know of a normalisation.
class Norm : public Module {
 public:
  using Module::Module;
  virtual Tensor operator()(Graph& g, const Tensor& x) = 0;
};

class LayerNorm : public Norm {
 public:
  LayerNorm(Module& parent, std::string name, int64_t width, double eps, Role role, Place place,
            bool with_bias = true)
      : Norm(parent, std::move(name)), has_bias(with_bias), eps_(static_cast<Scalar>(eps)) {
    declare_all(width, role, place);
  }
  // A root.
  LayerNorm(int64_t width, double eps, Role role, Place place)
      : has_bias(true), eps_(static_cast<Scalar>(eps)) {
    declare_all(width, role, place);
  }

  Tensor operator()(Graph& g, const Tensor& x) override {
    return layer_norm(g, x, g.use(weight), offset(g), eps_);
  }
  // LayerNorm(residual + dropout(h)) in one pass; may write over h.
  Tensor operator()(Graph& g, Tensor h, const Tensor& residual, double dropout) {
    return add_layer_norm(g, std::move(h), residual, g.use(weight), offset(g), eps_, dropout);
  }

  Parameter weight, bias;  // (1, width); a bias without shape when there is none
  const bool has_bias;

 private:
  void declare_all(int64_t width, Role role, Place place) {
    declare(weight, "weight", {width}, role, place, Init::ones);
    weight.norm = true;
    if (!has_bias) return;
    declare(bias, "bias", {width}, role, place, Init::zeros);
    bias.norm = bias.bias = true;
  }
  Tensor offset(Graph& g) { return has_bias ? g.use(bias) : Tensor(); }

  Scalar eps_;
};

}  // namespace engine
