// y = x W^T + b with Hugging Face's names "weight" (out, in) and "bias" (out), and the hooks of a
// strategy.
#pragma once

#include "engine/nn/hooks.h"
#include "engine/ops/activation.h"

namespace engine {

class Linear : public Module {
 public:
  // Some columns of the output that have a role of their own.
  struct Part {
    Role role;
    int64_t out;
  };

  Linear(Module& parent, std::string name, int64_t in, int64_t out, Role role, Place place,
         bool with_bias = true);
  // Several layers fused into one: its parameters have Role::fused, its columns are sites of their
  // own, in the order of `parts` (GPT-2's c_attn: query, key, value).
  Linear(Module& parent, std::string name, int64_t in, std::vector<Part> parts, Place place,
         bool with_bias = true);
  // A root.
  Linear(int64_t in, int64_t out, Role role, Place place, bool with_bias = true);

  Tensor operator()(Graph& g, const Tensor& x);
  // act(x W^T + b), fused where no hook wants the value in between.
  Tensor operator()(Graph& g, const Tensor& x, Activation act);

  // The parameters of the hook are named beside the layer's own, below `name` if there is one.
  void add_hook(std::unique_ptr<LinearHook> hook, std::string name = "");
  const std::vector<std::unique_ptr<LinearHook>>& hooks() const { return hooks_; }
  void remove_hooks();  // before a ParameterStore is made, or after its last use
  void add_sites(Sites& sites, const std::string& path) override;

  int64_t in() const { return weight.shape.cols; }
  int64_t out() const { return weight.shape.rows; }
  const std::vector<Part>& parts() const { return parts_; }

  Parameter weight;  // (out, in)
  Parameter bias;    // (1, out); no shape when there is none
  bool has_bias;

 private:
  void declare_all(int64_t in, int64_t out, Role role, Place place);

  std::vector<Part> parts_;  // one, unless fused
  std::vector<std::unique_ptr<LinearHook>> hooks_;
};

}  // namespace engine
