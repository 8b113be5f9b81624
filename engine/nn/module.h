// A tree of modules with Hugging Face's names: "bert" / "encoder" / "layer" / "0" / "attention" /
// "self" / "query" / "weight".
//
// A module registers itself with its parent, so a layer is a struct whose members say everything:
//
//   struct Net : Module {
//     Linear first{*this, "first", 8, 16, Role::other, 0};
//     Linear second{*this, "second", 16, 2, Role::head, 1};
//   };
//
// Members are registered in the order in which they stand; parameters are visited in that order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/nn/parameter.h"

namespace engine {

struct Sites;

class Module {
 public:
  Module() = default;  // a root
  // A child of `parent`, which must outlive it or disown it. A name may hold dots
  // ("attention.self"); an empty one adds nothing to the path.
  Module(Module& parent, std::string name) { parent.declare(*this, std::move(name)); }
  virtual ~Module() = default;
  Module(const Module&) = delete;  // children and parameters are registered by address
  Module& operator=(const Module&) = delete;

  // Calls fn(parameter) for every parameter below, with Parameter::name set to its full name, in
  // order of declaration.
  void visit(const std::function<void(Parameter&)>& fn, const std::string& prefix = "");
  // Calls fn(module, path) for this module and all below it, a parent before its children.
  void walk(const std::function<void(Module&, const std::string& path)>& fn,
            const std::string& path = "");
  // Adds the places of this module itself that a strategy may use (hooks.h, collect_sites).
  virtual void add_sites(Sites& sites, const std::string& path) {}

  // A child that is added later, after the module's own: hooks of a strategy, a head.
  void adopt(Module& child, std::string name) { declare(child, std::move(name)); }
  // The same, and the parent owns it.
  template <class T>
  T& adopt(std::unique_ptr<T> child, std::string name) {
    T& module = *child;
    declare(module, std::move(name));
    owned_.push_back(std::move(child));
    return module;
  }
  // Forgets a child that is about to go. A ParameterStore made before still points at its
  // parameters.
  void disown(const Module& child);

 protected:
  // Declares a parameter of this module. One dimension makes a row vector.
  void declare(Parameter& parameter, std::string name, std::vector<int64_t> dims, Role role,
               Place place, Init init = Init::normal);
  void declare(Module& child, std::string name);

 private:
  std::vector<std::pair<std::string, Parameter*>> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
  std::vector<std::unique_ptr<Module>> owned_;
};

// Sets the spread of every parameter below that is drawn from a normal distribution, as
// transformers does with a config's "initializer_range".
void set_init_std(Module& root, double std);

}  // namespace engine
