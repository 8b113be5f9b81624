// Prefix tuning's own type, for saving: a file holds the table of keys and values, never the MLP
// that made it.
#pragma once

#include "peft/options.h"
#include "peft/strategy.h"

namespace peft {

class PrefixHook;

class Prefix : public Strategy {
 public:
  explicit Prefix(const Options& options);

  std::string name() const override { return "prefix"; }
  engine::Json options() const override;
  double default_learning_rate() const override;
  void inject(engine::Sites& sites) override;
  std::string why_not_mergeable() const override {
    return "the keys and values of a prefix belong to no weight";
  }

  // (length, 2 layers width), slots [key of layer 0, value of layer 0, key of layer 1, ...]: the
  // parameter itself or, if reparameterised, what the MLP makes ("eject" in AdapterHub). After
  // inject() and with values.
  engine::Matrix table() const;
  int64_t length() const { return length_; }
  bool flat() const { return flat_; }
  int64_t hidden() const { return hidden_; }

 protected:
  bool selects(const engine::Parameter& p) const override {
    return p.role == engine::Role::injected;
  }

 private:
  int64_t length_, hidden_ = 0;
  bool flat_;
  double std_ = 0;
  PrefixHook* hook_ = nullptr;  // the model owns it
};

}  // namespace peft
