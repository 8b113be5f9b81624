// Prefix tuning's own type, for saving: a file holds the table of keys and values, never the MLP
// that made it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "peft/options.h"
#include "peft/stack_set.h"
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
  bool infix() const { return infix_; }
  // After inject(): whether the model has no encoder beside its decoder.
  bool of_one_stack() const { return one_stack_; }
  // PEFT's form of an encoder-decoder's prefix.
  bool peft_form() const { return peft_; }

  // What a flat table begins as: "random", "words" or "text" (then text() has it).
  const std::string& init() const { return init_; }
  const std::string& text() const { return text_; }
  // For init words and text, before first values are made: gives a table() of `length` rows. It is
  // called once the base model has its values, and reads the model without the prefix.
  using Activations = std::function<engine::Matrix(int64_t length, uint64_t seed)>;
  void set_activations(Activations activations) { activations_ = std::move(activations); }

 protected:
  bool selects(const engine::Parameter& p) const override {
    return p.role == engine::Role::injected;
  }

 private:
  void begin(engine::Scalar* to, uint64_t seed) const;

  int64_t length_, hidden_ = 0;
  bool flat_, infix_, peft_ = false, one_stack_ = true;
  StackSet stacks_;
  std::string init_, text_;
  double std_ = 0;
  PrefixHook* hook_ = nullptr;  // the model owns it
  std::vector<engine::KvPoint*> points_;
  Activations activations_;
};

// The prefix that a strategy is or has as one of its parts; null if there is none.
Prefix* prefix_of(Strategy& strategy);

}  // namespace peft
