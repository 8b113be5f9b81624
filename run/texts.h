// What text means to a model: where it ends, and how much of it fits.
#pragma once

#include "data/task.h"
#include "data/tokenizer.h"
#include "run/model.h"

namespace run {

// The id that stands behind a text: the tokenizer's end token, else the model's (eos_token_id),
// else the special token that the tokenizer puts there. -1 where there is none of them.
int32_t end_token(const data::Tokenizer& tokenizer, const models::ModelConfig& config);

// Tokens of a target at most, unless another number is given.
inline constexpr int kUsualTargetLength = 128;

// Throws for a model that reads both ways and has no decoder, such as BERT.
void check_writes(const models::Facts& facts);

// Of an encoder-decoder: rows are sources with targets of at most so many tokens (0: 128, or what
// the model has if that is less), each behind the decoder's start id. Of others nothing changes.
void read_with_encoder(data::TextRules& rules, const models::Facts& facts, int max_target_length);

// Tokens of the longest text: the model's positions, less those that a prefix of a causal model
// takes.
int64_t longest_text(const OpenModel& open);
// Tokens of the longest text that is written: the same, but of an encoder-decoder its decoder's.
int64_t longest_written(const OpenModel& open);

// The context of a language model unless another is asked for: the longest text, at most 1,024.
int default_context(int64_t longest);

}  // namespace run
