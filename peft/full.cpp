// Full fine-tuning: every parameter learns. The reference that every other strategy is measured
// against.
#include "peft/registry.h"
#include "peft/strategy.h"

namespace peft {
namespace {

class Full : public Strategy {
 public:
  std::string name() const override { return "full"; }
  double default_learning_rate() const override {
    return 5e-5;
  }  // Hugging Face's Trainer; BERT's paper: 2e-5 to 5e-5

 protected:
  bool selects(const engine::Parameter&) const override { return true; }
};

}  // namespace

StrategyInfo full_strategy() {
  return {
      "full", "every parameter is trained", {}, [](const Options&) -> std::unique_ptr<Strategy> {
        return std::make_unique<Full>();
      }};
}

}  // namespace peft
