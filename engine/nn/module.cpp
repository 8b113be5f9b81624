#include "engine/nn/module.h"

#include "engine/base/error.h"

namespace engine {

const char* role_name(Role role) {
  switch (role) {
    case Role::embedding:
      return "embedding";
    case Role::embedding_norm:
      return "embedding_norm";
    case Role::embedding_projection:
      return "embedding_projection";
    case Role::query:
      return "query";
    case Role::key:
      return "key";
    case Role::value:
      return "value";
    case Role::attention_output:
      return "attention_output";
    case Role::attention_norm:
      return "attention_norm";
    case Role::ffn_in:
      return "ffn_in";
    case Role::ffn_gate:
      return "ffn_gate";
    case Role::ffn_out:
      return "ffn_out";
    case Role::ffn_norm:
      return "ffn_norm";
    case Role::fused:
      return "fused";
    case Role::final_norm:
      return "final_norm";
    case Role::pooler:
      return "pooler";
    case Role::lm_head:
      return "lm_head";
    case Role::head:
      return "head";
    case Role::other:
      return "other";
    case Role::injected:
      return "injected";
  }
  return "?";
}

const char* stack_name(Stack stack) {
  return stack == Stack::encoder ? "encoder" : stack == Stack::decoder ? "decoder" : "only";
}

const char* attention_kind_name(AttentionKind kind) {
  return kind == AttentionKind::self ? "self" : "cross";
}

void Module::visit(const std::function<void(Parameter&)>& fn, const std::string& prefix) {
  for (auto& [name, parameter] : parameters_) {
    parameter->name = prefix + name;
    fn(*parameter);
  }
  for (auto& [name, child] : children_)
    child->visit(fn, name.empty() ? prefix : prefix + name + ".");
}

void Module::walk(const std::function<void(Module&, const std::string&)>& fn,
                  const std::string& path) {
  fn(*this, path);
  for (auto& [name, child] : children_)
    child->walk(fn, name.empty() ? path : path.empty() ? name : path + "." + name);
}

void Module::declare(Parameter& parameter, std::string name, std::vector<int64_t> dims, Role role,
                     Place place, Init init) {
  check(dims.size() == 1 || dims.size() == 2, "module", "parameter ", name, " has ", dims.size(),
        " dimensions; every tensor is a matrix");
  parameter.shape = dims.size() == 1 ? Shape{1, dims[0]} : Shape{dims[0], dims[1]};
  parameter.dims = std::move(dims);
  parameter.role = role;
  parameter.layer = place.layer;
  parameter.stack = place.stack;
  parameter.attention = place.attention;
  parameter.init = init;
  parameter.required = role != Role::head && role != Role::injected;
  parameters_.emplace_back(std::move(name), &parameter);
}

void Module::declare(Module& child, std::string name) {
  children_.emplace_back(std::move(name), &child);
}

void Module::disown(const Module& child) {
  std::erase_if(children_, [&](const auto& entry) { return entry.second == &child; });
  std::erase_if(owned_, [&](const auto& owned) { return owned.get() == &child; });
}

void set_init_std(Module& root, double std) {
  root.visit([&](Parameter& p) {
    if (p.init == Init::normal) p.init_std = std;
  });
}

}  // namespace engine
