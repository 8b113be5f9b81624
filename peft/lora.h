// LoRA's own type, for saving: PEFT's files know nothing of an update of some columns of a layer.
#pragma once

#include "peft/lora_hooks.h"
#include "peft/options.h"
#include "peft/patterns.h"
#include "peft/sites.h"
#include "peft/strategy.h"

namespace peft {

class Lora : public Strategy {
 public:
  explicit Lora(const Options& options);

  std::string name() const override { return "lora"; }
  engine::Json options() const override;
  engine::Json settled_options() const override;
  double default_learning_rate() const override;
  void inject(engine::Sites& sites) override;
  void check_marked(const std::vector<const engine::Parameter*>& all) const override;
  std::vector<std::string> matched() const override;

  struct LinearPlace {
    engine::LinearSite site;
    LoraHook* hook;  // the layer owns it
  };
  struct EmbeddingPlace {
    engine::EmbeddingSite site;
    LoraEmbeddingHook* hook;
  };
  // Where it was injected, in order of layer.
  const std::vector<LinearPlace>& linears() const { return linears_; }
  const std::vector<EmbeddingPlace>& embeddings() const { return embeddings_; }
  const LoraNumbers& numbers() const { return numbers_; }  // but for what the patterns say
  const std::string& bias() const { return bias_; }

 protected:
  bool selects(const engine::Parameter& p) const override;
  void fold(Side side, engine::ParameterStore& store) override;

 private:
  LoraNumbers numbers_at(const std::string& path) const;

  LoraNumbers numbers_;
  Patterns ranks_, alphas_;
  std::string bias_;
  SiteChoice choice_;
  std::vector<LinearPlace> linears_;
  std::vector<EmbeddingPlace> embeddings_;
  std::vector<engine::Linear*> tied_;  // layers that share a table's weight
};

// The LoRA that a strategy is or has as one of its parts; null if there is none.
const Lora* lora_of(const Strategy& strategy);

}  // namespace peft
