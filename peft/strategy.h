// A strategy decides which parameters of a model learn, and what is added to it for that.
//
//   auto strategy = peft::make_strategy("lora:r=8,roles=query+value");
//   engine::Sites sites = model.sites();
//   peft::apply(*strategy, sites, model);        // add modules, mark what trains
//   engine::ParameterStore store(model);         // from here on as without a strategy:
//   store.allocate();                            // load the base model, store.initialise(seed),
//   train ... strategy->merge(store);                      // fold into the base weights, where
//   that is possible
//
// What is added gets its first values from ParameterStore::initialise, a function of (seed, name),
// like a fresh head.
//
// A spec is  part { "+" part },  part = name [ ":" option { "," option } ],  option = key "="
// value.
// '+' also joins the items of a list, as in roles=query+value. It starts a new strategy only where
// the name of one follows (and then ':', '+' or the end): in "lora:roles=query+value+bitfit" the
// third item is a strategy, since no role has the name of a strategy. A ',' starts a new option
// only before "key=", so a pattern may hold commas.
//
// Unknown strategies, options and values are engine::Error and list what is known.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/json.h"
#include "engine/nn/hooks.h"
#include "engine/nn/parameter_store.h"

namespace peft {

class Strategy {
 public:
  Strategy() = default;
  virtual ~Strategy() = default;
  Strategy(const Strategy&) = delete;
  Strategy& operator=(const Strategy&) = delete;

  virtual std::string name() const = 0;  // "lora", "lora+bitfit"

  // Adds hooks to the model, once. The outputs are the same bits as before, except with a prefix,
  // whose keys take their share of every softmax whatever their values are. Throws if the model has
  // no such layer or module.
  virtual void inject(engine::Sites& sites) {}

  // Whether the parameter learns. The head does with every strategy.
  bool trains(const engine::Parameter& p) const {
    return !p.fixed && (p.role == engine::Role::head || selects(p));
  }

  // Called by apply() with all parameters of the model: throws if something that was asked for is
  // not there.
  virtual void check_marked(const std::vector<const engine::Parameter*>& all) const {}

  // Folds what was injected into the base weights and sets it to its neutral value, so the outputs
  // stay as they are and the model without the injected parameters computes the same. Nothing to do
  // for strategies that inject nothing. Throws, and changes nothing, where it is impossible. Needs
  // values, so after loading; merging twice is harmless.
  void merge(engine::ParameterStore& store);
  // Why merge() is impossible; empty if it is possible.
  virtual std::string why_not_mergeable() const { return ""; }

  // Every option with its value, defaults included, in the order of the registry.
  virtual engine::Json options() const { return engine::Json::object(); }
  // The same with what a default stood for in the model at hand, after inject.
  virtual engine::Json settled_options() const { return options(); }
  // The shortest spec that make_strategy reads back as this, and the same with every option written
  // out (for files: it means the same should a default change).
  virtual std::string spec() const;
  virtual std::string full_spec() const;
  // For the run record: {"strategy", "spec", options..., and after inject "modules": how many sites
  // were used}.
  virtual engine::Json describe() const;
  // Paths of the modules where something was injected, in order of layer: what a pattern matched.
  virtual std::vector<std::string> matched() const { return {}; }

  // A learning rate to begin with, for AdamW; where each comes from is said in the strategy's file.
  virtual double default_learning_rate() const = 0;

 protected:
  friend class Composite;
  virtual bool selects(const engine::Parameter& p) const = 0;
  // The two halves of merge(). With several strategies at one layer, what scales the layer's input
  // (IA3 at ffn_out) must be folded before what adds to the layer's weight (LoRA reads the unscaled
  // input).
  enum class Side { input, output };
  virtual void fold(Side side, engine::ParameterStore& store) {}
};

std::unique_ptr<Strategy> make_strategy(std::string_view spec);

// Injects, then sets Parameter::trainable on every parameter below `root`. Before ParameterStore is
// made.
void apply(Strategy& strategy, engine::Sites& sites, engine::Module& root);

// For --help: every strategy with its options, their defaults and a line about each.
std::string strategy_help();
// The names that make_strategy knows, in the order of the help.
std::vector<std::string> strategy_names();

}  // namespace peft
