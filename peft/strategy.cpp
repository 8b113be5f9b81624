#include "peft/strategy.h"

#include "engine/base/error.h"
#include "peft/spec.h"

namespace peft {

void Strategy::merge(engine::ParameterStore& store) {
  const std::string reason = why_not_mergeable();
  engine::check(reason.empty(), "merge", spec(),
                " cannot be folded into the base weights: ", reason,
                engine::hint("save an adapter file instead, and load it beside the base model"));
  fold(Side::input, store);
  fold(Side::output, store);
}

std::string Strategy::full_spec() const { return spell_spec(name(), settled_options()); }

// Whether the options mean the same as `all`. Options may depend on one another, so leaving one out
// can make the rest senseless (scaling= without kind=parallel): then they do not.
static bool means(const std::string& name, const engine::Json& fewer, const engine::Json& all) {
  try {
    return make_strategy(spell_spec(name, fewer))->options() == all;
  } catch (const engine::Error&) {
    return false;
  }
}

// An option is left out if the rest means the same without it. Asking make_strategy keeps this true
// of defaults that depend on other options, such as an adapter's activation on its kind.
std::string Strategy::spec() const {
  const engine::Json all = options();
  engine::Json kept = all;
  for (const auto& [key, value] : all.items()) {
    engine::Json fewer = kept;
    fewer.erase(key);
    if (means(name(), fewer, all)) kept = std::move(fewer);
  }
  return spell_spec(name(), kept);
}

engine::Json Strategy::describe() const {
  engine::Json out = {{"strategy", name()}, {"spec", spec()}};
  const engine::Json all = settled_options();
  for (const auto& [key, value] : all.items()) out[key] = value;
  if (const size_t count = matched().size(); count > 0) out["modules"] = count;
  return out;
}

void apply(Strategy& strategy, engine::Sites& sites, engine::Module& root) {
  strategy.inject(sites);
  std::vector<const engine::Parameter*> all;
  root.visit([&](engine::Parameter& p) {
    p.trainable = strategy.trains(p);
    all.push_back(&p);
  });
  strategy.check_marked(all);
}

}  // namespace peft
