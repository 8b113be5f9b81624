// Several strategies at once: "lora+bitfit".
#pragma once

#include <memory>
#include <vector>

#include "peft/strategy.h"

namespace peft {

// One part is returned as it is. Throws for combinations that have no meaning: the same strategy
// twice, full with anything (it trains all there is already), frozen with anything (the head is
// trained anyway).
std::unique_ptr<Strategy> compose(std::vector<std::unique_ptr<Strategy>> parts);

// Injects in the order of the parts and trains what any of them trains.
class Composite : public Strategy {
 public:
  explicit Composite(std::vector<std::unique_ptr<Strategy>> parts) : parts_(std::move(parts)) {}

  std::string name() const override;
  void inject(engine::Sites& sites) override;
  void check_marked(const std::vector<const engine::Parameter*>& all) const override;
  std::string why_not_mergeable() const override;
  engine::Json options() const override;  // {"lora": {...}, "bitfit": {...}}
  std::string spec() const override;
  std::string full_spec() const override;
  engine::Json describe() const override;
  std::vector<std::string> matched() const override;
  double default_learning_rate() const override;  // the smallest of the parts: one rate serves all

  const std::vector<std::unique_ptr<Strategy>>& parts() const { return parts_; }

 protected:
  bool selects(const engine::Parameter& p) const override;
  void fold(Side side, engine::ParameterStore& store) override;

 private:
  std::vector<std::unique_ptr<Strategy>> parts_;
};

// The strategy itself, or its part of this kind; null without one.
template <class Kind>
Kind* part_of(Strategy& strategy) {
  if (auto* whole = dynamic_cast<Kind*>(&strategy)) return whole;
  if (const auto* sum = dynamic_cast<const Composite*>(&strategy))
    for (const auto& part : sum->parts())
      if (auto* found = dynamic_cast<Kind*>(part.get())) return found;
  return nullptr;
}

}  // namespace peft
