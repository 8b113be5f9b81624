#include "engine/nn/linear.h"

#include "engine/ops/linear.h"

namespace engine {

Linear::Linear(Module& parent, std::string name, int64_t in, int64_t out, Role role, Place place,
               bool with_bias)
    : Module(parent, std::move(name)), has_bias(with_bias), parts_{{role, out}} {
  declare_all(in, out, role, place);
}

Linear::Linear(Module& parent, std::string name, int64_t in, std::vector<Part> parts, Place place,
               bool with_bias)
    : Module(parent, std::move(name)), has_bias(with_bias), parts_(std::move(parts)) {
  int64_t out = 0;
  for (const Part& part : parts_) out += part.out;
  declare_all(in, out, Role::fused, place);
}

Linear::Linear(Module& parent, std::string name, Parameter& shared, Parameter* shared_bias,
               Role role, Place place)
    : Module(parent, std::move(name)),
      has_bias(shared_bias != nullptr),
      shared_(&shared),
      shared_bias_(shared_bias),
      role_(role),
      place_(place),
      parts_{{role, shared.shape.rows}} {
  shared.may_be_half = true;
  // Not declared: visit() meets the weight where it is at home.
  weight.shape = shared.shape;
  weight.dims = shared.dims;
  weight.role = role;
  weight.layer = place.layer;
  weight.stack = place.stack;
  weight.attention = place.attention;
}

void Linear::untie() {
  check(tied(), "linear", "its weight is its own already");
  Parameter* constant = shared_bias_ && shared_bias_->fixed ? shared_bias_ : nullptr;
  if (constant) has_bias = false;
  declare_all(in(), out(), role_, place_);
  shared_ = shared_bias_ = nullptr;
  if (constant) share_offset(*constant);
}

void Linear::share_offset(Parameter& shared_bias) {
  has_bias = true;
  shared_bias_ = &shared_bias;
}

Linear::Linear(int64_t in, int64_t out, Role role, Place place, bool with_bias)
    : has_bias(with_bias), parts_{{role, out}} {
  declare_all(in, out, role, place);
}

void Linear::declare_all(int64_t in, int64_t out, Role role, Place place) {
  declare(weight, "weight", {out, in}, role, place, Init::normal);
  weight.may_be_half = role != Role::injected;
  if (!has_bias) return;
  declare(bias, "bias", {out}, role, place, Init::zeros);
  bias.bias = true;
}

Tensor Linear::operator()(Graph& g, const Tensor& x) {
  Tensor in = x;
  for (const auto& hook : hooks_) in = hook->input(g, std::move(in));
  Tensor y = linear(g, in, g.use_weight(kernel()), has_bias ? g.use(offset()) : Tensor());
  for (const auto& hook : hooks_) y = hook->output(g, x, std::move(y));
  return y;
}

Tensor Linear::operator()(Graph& g, const Tensor& x, Activation act) {
  if (hooks_.empty())
    return linear_activation(g, x, g.use_weight(kernel()), has_bias ? g.use(offset()) : Tensor(),
                             act);
  return activation(g, (*this)(g, x), act);
}

void Linear::add_hook(std::unique_ptr<LinearHook> hook, std::string name) {
  adopt(*hook, std::move(name));
  hooks_.push_back(std::move(hook));
}

void Linear::remove_hooks() {
  for (const auto& hook : hooks_) disown(*hook);
  hooks_.clear();
}

void Linear::add_sites(Sites& sites, const std::string& path) {
  if (weight.role == Role::injected) return;
  int64_t begin = 0;
  for (const Part& part : parts_) {
    sites.linears.push_back({this, part.role, weight.layer, begin, begin + part.out, path,
                             weight.stack, weight.attention});
    begin += part.out;
  }
}

}  // namespace engine
