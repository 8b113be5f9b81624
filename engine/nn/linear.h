// y = x W^T + b with Hugging Face's names "weight" (out, in) and "bias" (out), and the hooks of a
// strategy.
#pragma once

#include "engine/nn/hooks.h"
#include "engine/ops/activation.h"

namespace engine {

class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out, Role role, int layer, bool with_bias = true);

  Tensor operator()(Graph& g, const Tensor& x);
  // act(x W^T + b), fused where no hook wants the value in between.
  Tensor operator()(Graph& g, const Tensor& x, Activation act);

  void add_hook(std::unique_ptr<LinearHook> hook);
  const std::vector<std::unique_ptr<LinearHook>>& hooks() const { return hooks_; }
  void remove_hooks();  // before a ParameterStore is made, or after its last use

  int64_t in() const { return weight.shape.cols; }
  int64_t out() const { return weight.shape.rows; }

  Parameter weight;  // (out, in)
  Parameter bias;    // (1, out); no shape when there is none
  bool has_bias;

 private:
  std::vector<std::unique_ptr<LinearHook>> hooks_;
};

}  // namespace engine
