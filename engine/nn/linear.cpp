#include "engine/nn/linear.h"

#include "engine/ops/linear.h"

namespace engine {

Linear::Linear(int64_t in, int64_t out, Role role, int layer, bool with_bias)
    : has_bias(with_bias) {
  declare(weight, "weight", {out, in}, role, layer, Init::normal);
  if (!with_bias) return;
  declare(bias, "bias", {out}, role, layer, Init::zeros);
  bias.bias = true;
}

Tensor Linear::operator()(Graph& g, const Tensor& x) {
  Tensor in = x;
  for (const auto& hook : hooks_) in = hook->input(g, std::move(in));
  Tensor y = linear(g, in, g.use(weight), has_bias ? g.use(bias) : Tensor());
  for (const auto& hook : hooks_) y = hook->output(g, x, std::move(y));
  return y;
}

Tensor Linear::operator()(Graph& g, const Tensor& x, Activation act) {
  if (hooks_.empty())
    return linear_activation(g, x, g.use(weight), has_bias ? g.use(bias) : Tensor(), act);
  return activation(g, (*this)(g, x), act);
}

void Linear::add_hook(std::unique_ptr<LinearHook> hook) {
  adopt(*hook, "");
  hooks_.push_back(std::move(hook));
}

void Linear::remove_hooks() {
  for (const auto& hook : hooks_) disown(*hook);
  hooks_.clear();
}

}  // namespace engine
