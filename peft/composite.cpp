#include "peft/composite.h"

#include <algorithm>
#include <functional>
#include <set>

#include "engine/base/error.h"

namespace peft {
namespace {

std::string join(const std::vector<std::unique_ptr<Strategy>>& parts,
                 const std::function<std::string(const Strategy&)>& text) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += '+';
    out += text(*part);
  }
  return out;
}

}  // namespace

std::unique_ptr<Strategy> compose(std::vector<std::unique_ptr<Strategy>> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  const std::string all = join(parts, [](const Strategy& s) { return s.name(); });
  std::set<std::string> seen;
  for (const auto& part : parts) {
    const std::string name = part->name();
    engine::check(
        name != "full", "strategy", all,
        " makes no sense: full trains every parameter already, and what is added to a layer "
        "whose weight is trained can say nothing that the weight cannot",
        engine::hint("use full alone, or leave it out"));
    engine::check(name != "frozen", "strategy", all,
                  " makes no sense: frozen trains the head only, and the head is trained by every "
                  "strategy",
                  engine::hint("leave frozen out"));
    engine::check(seen.insert(name).second, "strategy", all, " has ", name, " twice",
                  engine::hint("'+' joins different strategies; give one of them all the options"));
  }
  return std::make_unique<Composite>(std::move(parts));
}

std::string Composite::name() const {
  return join(parts_, [](const Strategy& s) { return s.name(); });
}

void Composite::inject(engine::Sites& sites) {
  for (const auto& part : parts_) part->inject(sites);
}

void Composite::check_marked(const std::vector<const engine::Parameter*>& all) const {
  for (const auto& part : parts_) part->check_marked(all);
}

std::string Composite::why_not_mergeable() const {
  for (const auto& part : parts_)
    if (auto reason = part->why_not_mergeable(); !reason.empty()) return reason;
  return "";
}

engine::Json Composite::options() const {
  auto out = engine::Json::object();
  for (const auto& part : parts_) out[part->name()] = part->options();
  return out;
}

std::string Composite::spec() const {
  return join(parts_, [](const Strategy& s) { return s.spec(); });
}

std::string Composite::full_spec() const {
  return join(parts_, [](const Strategy& s) { return s.full_spec(); });
}

engine::Json Composite::describe() const {
  engine::Json out = {{"strategy", name()}, {"spec", spec()}, {"parts", engine::Json::array()}};
  for (const auto& part : parts_) out["parts"].push_back(part->describe());
  return out;
}

std::vector<std::string> Composite::matched() const {
  std::vector<std::string> out;
  for (const auto& part : parts_)
    for (auto& path : part->matched()) out.push_back(std::move(path));
  return out;
}

double Composite::default_learning_rate() const {
  double least = parts_.front()->default_learning_rate();
  for (const auto& part : parts_) least = std::min(least, part->default_learning_rate());
  return least;
}

bool Composite::selects(const engine::Parameter& p) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [&](const auto& part) { return part->trains(p); });
}

void Composite::fold(Side side, engine::ParameterStore& store) {
  for (const auto& part : parts_) part->fold(side, store);
}

}  // namespace peft
