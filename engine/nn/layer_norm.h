// LayerNorm with Hugging Face's names "weight" and "bias".
#pragma once

#include "engine/nn/module.h"
#include "engine/ops/layer_norm.h"

namespace engine {

class LayerNorm : public Module {
 public:
  LayerNorm(int64_t width, double eps, Role role, int layer) : eps_(static_cast<Scalar>(eps)) {
    declare(weight, "weight", {width}, role, layer, Init::ones);
    declare(bias, "bias", {width}, role, layer, Init::zeros);
    weight.norm = bias.norm = true;
    bias.bias = true;
  }

  Tensor operator()(Graph& g, const Tensor& x) {
    return layer_norm(g, x, g.use(weight), g.use(bias), eps_);
  }
  // LayerNorm(residual + dropout(h)) in one pass; may write over h.
  Tensor operator()(Graph& g, Tensor h, const Tensor& residual, double dropout) {
    return add_layer_norm(g, std::move(h), residual, g.use(weight), g.use(bias), eps_, dropout);
  }

  Parameter weight, bias;  // (1, width)

 private:
  Scalar eps_;
};

}  // namespace engine
