// How many parameters a strategy trains. Needs no memory for them: modules declare shapes, and
// values come later.
#pragma once

#include <cstdint>
#include <string>

#include "engine/nn/module.h"

namespace peft {

struct Count {
  int64_t total = 0;  // all scalars, injected ones included
  int64_t trainable = 0;
  int64_t injected = 0;  // added by the strategy
  int64_t head = 0;      // the task's own layers
  double percent() const {
    return total > 0 ? 100.0 * static_cast<double>(trainable) / static_cast<double>(total) : 0;
  }
};

// Of the tree as it is now, so after apply().
Count count(engine::Module& root);

// In the words of Hugging Face PEFT: "trainable params: 296,450 || all params: 109,778,690 ||
// trainable%: 0.2700". PEFT's own total holds the head twice (the original and the trained copy);
// here it is counted once.
std::string text(const Count& count);

}  // namespace peft
