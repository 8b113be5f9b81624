// Stochastic gradient descent with momentum, as torch.optim.SGD (dampening 0).
//
//   g = grad_scale * gradient + wd p       wd = 0 behind the first `decayed` scalars; coupled
//   decay, unlike AdamW's u = momentum u + g                     u starts as 0, so the first u is
//   g, as torch's p = p - lr (nesterov ? g + momentum u : u)
//
// Without momentum u is not kept and p = p - lr g.
#pragma once

#include "engine/optim/optimizer.h"

namespace engine {

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;  // needs momentum > 0
  double weight_decay = 0;
};

class Sgd : public Optimizer {
 public:
  // Throws engine::Error for options out of range: momentum in [0, 1), weight_decay >= 0, nesterov
  // only with momentum.
  explicit Sgd(const ParameterStore::Block& block, const SgdOptions& options = {});

  std::string name() const override { return "sgd"; }
  State state() override;  // "momentum_buffer" (u), torch's name; nothing without momentum

 protected:
  void update(int64_t step, double lr, double grad_scale) override;

 private:
  SgdOptions options_;
  std::shared_ptr<Scalar> u_;  // (block size), null without momentum
};

}  // namespace engine
