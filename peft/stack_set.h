// Which stacks of an encoder-decoder a strategy uses: "all", "encoder", "decoder+cross".
#pragma once

#include <string>
#include <vector>

#include "engine/nn/parameter.h"
#include "peft/options.h"

namespace peft {

// encoder: its layers; decoder: its layers, but their attention to the encoder; cross: that
// attention.
class StackSet {
 public:
  StackSet() = default;  // all
  // Reads the option "stacks".
  explicit StackSet(const Options& options);
  static OptionInfo option();

  bool all() const { return names_.empty(); }
  bool contains(engine::Stack stack, engine::AttentionKind attention) const;
  // Throws if a choice was made and the model has one stack. `where` is the strategy's name.
  void check_fits(int decoder_layers, const std::string& where) const;
  // Adds the choice to a strategy's options, unless it is all.
  void add_to(engine::Json& options) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace peft
