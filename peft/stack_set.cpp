#include "peft/stack_set.h"

#include <algorithm>

#include "engine/base/error.h"

namespace peft {

StackSet::StackSet(const Options& options) {
  if (options.text("stacks") != "all")
    names_ = options.list("stacks", {"encoder", "decoder", "cross"});
}

OptionInfo StackSet::option() {
  return {"stacks", "all",
          "of an encoder-decoder: encoder, decoder and cross (the decoder's attention to the "
          "encoder), joined by +"};
}

bool StackSet::contains(engine::Stack stack, engine::AttentionKind attention) const {
  if (all()) return true;
  const char* name = stack == engine::Stack::encoder             ? "encoder"
                     : attention == engine::AttentionKind::cross ? "cross"
                     : stack == engine::Stack::decoder           ? "decoder"
                                                                 : "";
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

void StackSet::check_fits(int decoder_layers, const std::string& where) const {
  engine::check(all() || decoder_layers > 0, where, "stacks=", joined(names_),
                " is about an encoder-decoder, and this model has one stack",
                engine::hint("leave stacks= out"));
}

void StackSet::add_to(engine::Json& options) const {
  if (!all()) options["stacks"] = names_;
}

}  // namespace peft
