// Top layers: the last k layers learn, with the pooler and the head; of an encoder-decoder the
// decoder's last. Nothing below them is recorded for backward, so a step costs the forward pass and
// k layers of backward.
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
    decoder_ = sites.decoder_layers > 0;
    const int all = decoder_ ? sites.decoder_layers : sites.layers;
    engine::check(layers_ <= all, "top", "layers=", layers_, ", but the ",
                  decoder_ ? "decoder" : "model", " has ", all,
                  engine::hint("full trains all of them, and the embeddings"));
    first_ = all - static_cast<int>(layers_);
  }

 protected:
  bool selects(const engine::Parameter& p) const override {
    engine::check(first_ >= 0, "top", "which layers are the last is known after inject()");
    if (p.role == engine::Role::injected) return false;
    if (decoder_ && p.stack != engine::Stack::decoder) return p.role == engine::Role::lm_head;
    return p.layer >= first_ || p.role == engine::Role::pooler;
  }

 private:
  int64_t layers_;
  int first_ = -1;
  bool decoder_ = false;
};

}  // namespace

StrategyInfo top_strategy() {
  return {"top",
          "the last layers (of a decoder, if there is one), the pooler and the head are trained",
          {{"layers", "1", "how many of the last layers"}},
          [](const Options& o) -> std::unique_ptr<Strategy> { return std::make_unique<Top>(o); }};
}

}  // namespace peft
