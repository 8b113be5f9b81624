// What a strategy begins as, where that is more than a seed: a prompt or a prefix as words.
#pragma once

#include "data/tokenizer.h"
#include "models/model.h"
#include "peft/strategy.h"

namespace run {

// Gives a prompt the tokens of its text, and a prefix the keys and values that `model` computes for
// its words (causal models). Call it after apply() and before first values are made; `model`
// outlives the strategy's use. `tokenizer` may be null; then a text is refused when it is needed.
// Throws engine::Error for a prefix that the model cannot have.
void read_beginning(peft::Strategy& strategy, models::Model& model,
                    const data::Tokenizer* tokenizer);

// (tokens, 2 layers width) the keys and values of all layers for a text that stands alone, as
// peft::Prefix::table() has them. The model is causal and has values.
engine::Matrix key_values(models::Model& model, const std::vector<int32_t>& ids);

}  // namespace run
