// Frozen: only the task's head learns, on features that do not move. BERT's pooler is frozen too,
// as in BitFit's baseline.
#include "peft/registry.h"
#include "peft/strategy.h"

namespace peft {
namespace {

class Frozen : public Strategy {
 public:
  std::string name() const override { return "frozen"; }
  double default_learning_rate() const override {
    return 1e-3;
  }  // a linear model; BitFit's code uses 1e-3 for its baseline

 protected:
  bool selects(const engine::Parameter&) const override { return false; }
};

}  // namespace

StrategyInfo frozen_strategy() {
  return {
      "frozen", "only the head is trained", {}, [](const Options&) -> std::unique_ptr<Strategy> {
        return std::make_unique<Frozen>();
      }};
}

}  // namespace peft
