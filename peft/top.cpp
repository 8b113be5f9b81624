// Top layers: the last k encoder layers learn, with the pooler and the head. Nothing below them is
// recorded for backward, so a step costs the forward pass and k layers of backward.
#include "engine/base/error.h"
#include "peft/registry.h"
#include "peft/strategy.h"

namespace peft {
namespace {

class Top : public Strategy {
 public:
  explicit Top(const Options& options) : layers_(options.integer("layers", 1, 100000)) {}

  std::string name() const override { return "top"; }
  engine::Json options() const override { return {{"layers", layers_}}; }
  double default_learning_rate() const override { return 5e-5; }  // as full: the same weights move

  void inject(engine::Sites& sites) override {
    engine::check(layers_ <= sites.layers, "top", "layers=", layers_, ", but the model has ",
                  sites.layers, engine::hint("full trains all of them, and the embeddings"));
    first_ = sites.layers - static_cast<int>(layers_);
  }

 protected:
  bool selects(const engine::Parameter& p) const override {
    engine::check(first_ >= 0, "top", "which layers are the last is known after inject()");
    return p.role != engine::Role::injected &&
           (p.layer >= first_ || p.role == engine::Role::pooler);
  }

 private:
  int64_t layers_;
  int first_ = -1;
};

}  // namespace

StrategyInfo top_strategy() {
  return {"top",
          "the last encoder layers, the pooler and the head are trained",
          {{"layers", "1", "how many of the last layers"}},
          [](const Options& o) -> std::unique_ptr<Strategy> { return std::make_unique<Top>(o); }};
}

}  // namespace peft
