// Keys and values that may stand inside a sequence: infix-tuning, [x; INFIX; y] (Li and Liang
// 2021).
#pragma once

#include "engine/nn/hooks.h"

namespace engine {

class PlacedKvHook : public KvHook {
 public:
  // True: only the tokens behind a place in the sequence see them, which a causal model finds
  // (models/infix.h); other models do not ask. False: they stand in front, and all see them.
  virtual bool inside() const = 0;
};

}  // namespace engine
