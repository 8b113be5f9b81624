// RMSNorm with Hugging Face's name "weight".
#pragma once

#include "engine/nn/layer_norm.h"
#include "engine/ops/rms_norm.h"

namespace engine {

class RmsNorm : public Norm {
 public:
  // (rows, width) -> the same. On wider rows every range of `width` columns is normalised by itself
  // (ops/rms_norm.h).
  RmsNorm(Module& parent, std::string name, int64_t width, double eps, Role role, Place place)
      : Norm(parent, std::move(name)), eps_(static_cast<Scalar>(eps)) {
    declare(weight, "weight", {width}, role, place, Init::ones);
    weight.norm = true;
  }

  Tensor operator()(Graph& g, const Tensor& x) override {
    return rms_norm(g, x, g.use(weight), eps_);
  }

  Parameter weight;  // (1, width)

 private:
  Scalar eps_;
};

}  // namespace engine
