// A tree of modules with Hugging Face's names: "bert" / "encoder" / "layer" / "0" / "attention" /
// "self" / "query" / "weight".
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/nn/parameter.h"

namespace engine {

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;  // children and parameters are registered by address
  Module& operator=(const Module&) = delete;

  // Calls fn(parameter) for every parameter below, with Parameter::name set to its full name, in
  // order of declaration.
  void visit(const std::function<void(Parameter&)>& fn, const std::string& prefix = "");

 protected:
  // Declares a parameter of this module. One dimension makes a row vector.
  void declare(Parameter& parameter, std::string name, std::vector<int64_t> dims, Role role,
               int layer, Init init = Init::normal);
  // Declares a child; a name may hold dots ("attention.self").
  void declare(Module& child, std::string name);

 public:
  // For hooks: a child that a strategy adds later, after the module's own.
  void adopt(Module& child, std::string name) { declare(child, std::move(name)); }
  // Forgets a child that is about to go. A ParameterStore made before still points at its
  // parameters.
  void disown(const Module& child);

 private:
  std::vector<std::pair<std::string, Parameter*>> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
};

}  // namespace engine
