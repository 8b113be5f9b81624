#include "peft/registry.h"

#include <algorithm>
#include <deque>

#include "engine/base/error.h"
#include "peft/composite.h"
#include "peft/strategy.h"

namespace peft {
namespace {

// A deque: a strategy's Options keep a reference to its row.
std::deque<StrategyInfo>& table() {
  // In the order of the help: first what injects nothing. Made on first use, so no static
  // initialiser has an order.
  static std::deque<StrategyInfo> rows = {
      full_strategy(), frozen_strategy(),  top_strategy(),    bitfit_strategy(), norm_strategy(),
      lora_strategy(), adapter_strategy(), prefix_strategy(), prompt_strategy(), ia3_strategy(),
  };
  return rows;
}

}  // namespace

const std::deque<StrategyInfo>& registry() { return table(); }

void add_strategy(StrategyInfo info) {
  for (const StrategyInfo& known : table())
    engine::check(known.name != info.name, "strategy", "there is a strategy '", info.name,
                  "' already");
  table().push_back(std::move(info));
}

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const auto& info : registry()) names.push_back(info.name);
  return names;
}

std::unique_ptr<Strategy> make_strategy(std::string_view spec) {
  std::vector<std::unique_ptr<Strategy>> parts;
  for (const SpecPart& part : parse_spec(spec, strategy_names())) {
    const auto info = std::find_if(registry().begin(), registry().end(),
                                   [&](const StrategyInfo& i) { return i.name == part.name; });
    parts.push_back(info->make(Options(*info, part)));
  }
  return compose(std::move(parts));
}

std::string strategy_help() {
  std::string out;
  for (const auto& info : registry()) {
    out += info.name + std::string(info.name.size() < 10 ? 10 - info.name.size() : 1, ' ') +
           info.help + '\n';
    for (const auto& option : info.options) {
      const std::string left = "  " + option.name + '=' + option.fallback;
      out += "          " + left + std::string(left.size() < 24 ? 24 - left.size() : 1, ' ') +
             option.help + '\n';
    }
  }
  return out + "'+' joins strategies, for instance lora:r=8+bitfit. The head is always trained.\n";
}

}  // namespace peft
