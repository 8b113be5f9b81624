// Prompt tuning's own type, for saving and for its first words.
#pragma once

#include "peft/options.h"
#include "peft/strategy.h"

namespace peft {

class PromptHook;

class Prompt : public Strategy {
 public:
  explicit Prompt(const Options& options);

  std::string name() const override { return "prompt"; }
  engine::Json options() const override;
  double default_learning_rate() const override;
  void inject(engine::Sites& sites) override;
  std::string why_not_mergeable() const override {
    return "the vectors of a prompt belong to no weight";
  }

  int64_t length() const { return length_; }
  // The words that it begins as; empty unless text= was given. Their ids are the caller's to give,
  // before first values are made: as many as there are, repeated or cut to the length.
  const std::string& text() const { return text_; }
  void set_ids(std::vector<int32_t> ids) { ids_ = std::move(ids); }
  // (length, width) the vectors, also where an MLP makes them. After inject() and with values.
  engine::Matrix table() const;
  bool flat() const { return hidden_ == 0; }

 protected:
  bool selects(const engine::Parameter& p) const override {
    return p.role == engine::Role::injected;
  }

 private:
  int64_t length_;
  std::string init_, text_;
  int64_t hidden_;
  std::vector<int32_t> ids_;
  PromptHook* hook_ = nullptr;  // the model owns it
};

// The prompt that a strategy is or has as one of its parts; null if there is none.
Prompt* prompt_of(Strategy& strategy);

}  // namespace peft
