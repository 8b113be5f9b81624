// Text, prompts with completions and chats as token ids, with what is learned of each.
//
// Prompt and completion are encoded apart, because in use the prompt comes alone: no token holds
// the end of one and the beginning of the other.
//
// Learned are all tokens of a text but the first; of a completion and of an assistant's turn all,
// and the end token behind; with `all` everything but the first. Token t + 1 is token t's target.
#pragma once

#include "data/encode.h"

namespace data {

// `training`: texts get the end token behind them, and documents of plain text are laid end to end
// in rows of max_length tokens. Otherwise a row is an example by itself, a text has no end token,
// and a document that is too long goes on in a next row. What else is too long is cut on the side
// that rules.cut names, and counted. In training, what is left without a target is left out and
// counted.
EncodedSplit encode_language(const Tokenizer& tokenizer, std::span<const Example> examples,
                             int max_length, const TextRules& rules, bool training);

// Of an encoder-decoder (rules.encoder): the prompt, as the tokenizer encodes a text, is the
// source; the completion, encoded so too and ended by the end token, is the target. The decoder
// reads the target one place later, behind rules.start. max_length is of sources; what is too long
// is cut and counted on each side.
EncodedSplit encode_sources(const Tokenizer& tokenizer, std::span<const Example> examples,
                            int max_length, const TextRules& rules);
// The ids of a source alone.
std::vector<int32_t> encode_source(const Tokenizer& tokenizer, std::string_view text,
                                   int max_length, const TextRules& rules);

// The ids of a prompt alone: as the tokenizer encodes a text, without an end token behind it.
std::vector<int32_t> encode_prompt(const Tokenizer& tokenizer, std::string_view prompt);

}  // namespace data
