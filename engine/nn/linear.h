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
  // A layer whose weight is another module's (an output layer that is the table of words), and
  // whose bias is one, or none. It has no parameters of its own until untie().
  Linear(Module& parent, std::string name, Parameter& shared, Parameter* shared_bias, Role role,
         Place place);
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

  // What it computes with: its own parameters, or those that it shares.
  Parameter& kernel() { return shared_ ? *shared_ : weight; }
  Parameter& offset() { return shared_bias_ ? *shared_bias_ : bias; }
  bool tied() const { return shared_ != nullptr; }
  // Declares parameters of its own in place of the shared ones, for the caller to give values. A
  // bias that is a constant of the model stays shared.
  void untie();
  // A bias that is another module's, for a layer that has none.
  void share_offset(Parameter& shared_bias);

  Parameter weight;  // (out, in)
  Parameter bias;    // (1, out); no shape when there is none
  bool has_bias;

 private:
  void declare_all(int64_t in, int64_t out, Role role, Place place);

  Parameter *shared_ = nullptr, *shared_bias_ = nullptr;
  Role role_ = Role::other;  // of a weight that is shared
  Place place_ = -1;

  std::vector<Part> parts_;  // one, unless fused
  std::vector<std::unique_ptr<LinearHook>> hooks_;
};

}  // namespace engine
