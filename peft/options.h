// The options of one strategy, read with types; and the row that a strategy has in the registry.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/nn/parameter.h"
#include "peft/layer_set.h"
#include "peft/spec.h"

namespace peft {

class Options;
class Strategy;

struct OptionInfo {
  std::string name;
  std::string fallback;  // as it would be written; empty: depends on the others, or none
  std::string help;      // one line
};

struct StrategyInfo {
  std::string name;
  std::string help;  // one line
  std::vector<OptionInfo> options;
  std::unique_ptr<Strategy> (*make)(const Options& options);
};

// Getters read the value as written, or the fallback. All throw engine::Error that says what is
// allowed.
class Options {
 public:
  Options(const StrategyInfo& info, const SpecPart& part);  // throws for an unknown key

  bool given(const std::string& key) const;
  std::string text(const std::string& key) const;
  int64_t integer(const std::string& key, int64_t least, int64_t most) const;
  double number(const std::string& key, double least, double most) const;
  bool flag(const std::string& key) const;
  // One of `known`.
  std::string choice(const std::string& key, const std::vector<std::string>& known) const;
  // A list of some of `known`, in the order of `known`.
  std::vector<std::string> list(const std::string& key,
                                const std::vector<std::string>& known) const;
  // Names joined with '+', whatever they are; none if the option is not given.
  std::vector<std::string> names(const std::string& key) const;
  LayerSet layers(const std::string& key) const { return LayerSet::parse(text(key), info_.name); }
  // Throws if both were given.
  void exclusive(const std::string& one, const std::string& other) const;

 private:
  const StrategyInfo& info_;
  const SpecPart& part_;
};

// Role names as in specs: "query", "attention_output", ...
std::vector<engine::Role> roles_from_names(const std::vector<std::string>& names);
// "a, b, c" for messages.
std::string joined(const std::vector<std::string>& names);

}  // namespace peft
