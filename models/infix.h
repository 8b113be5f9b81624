// Where an infix stands (engine/nn/placed_hook.h): learned keys and values inside every sequence,
// [x; INFIX; y], which the tokens of y see and those of x do not.
//
// y begins with the first token that predicts something learned (Batch::targets), as a prompt's
// last token does; without targets, as when a text is written, with the last token.
#pragma once

#include <vector>

#include "engine/base/token_batch.h"
#include "engine/nn/hooks.h"

namespace models {

// Whether the point's keys and values stand inside.
bool is_infix(const engine::KvPoint& point);

struct InfixRows {
  // `only`: as Rows::only.
  InfixRows(const engine::Batch& batch, const engine::RowSelection* only, int32_t length);

  std::vector<int32_t> before;  // (sequences) tokens of x
  engine::Segments segments;    // of keys and values: the tokens' and the infix's
  // (their rows) the row of the batch or of the infix that each is; -1 in the other's places.
  std::vector<int32_t> own, learned;
  engine::RowSelection all, only;  // where the batch's rows, and those of `only`, are among them
};

}  // namespace models
