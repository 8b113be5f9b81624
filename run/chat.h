// Chats with a language model: turns as the ids that it reads, and what ends its answers.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/chat/format.h"
#include "run/language_model.h"

namespace run {

// By name, else the form that the model's run learned, else the one that its tokenizer brings.
// Throws engine::Error where there is none that is known.
const data::ChatFormat& chat_format_of(const LanguageModel& lm, const std::string& name);

// The turns, open for the assistant's next one. Throws where the form does not have such turns;
// `where` opens the message.
std::vector<int32_t> chat_ids(const LanguageModel& lm, const data::ChatFormat& format,
                              std::span<const data::Turn> turns, const std::string& where);

// The special token that stands behind an answer; none for forms without one.
std::vector<int32_t> chat_ends(const LanguageModel& lm, const data::ChatFormat& format);

}  // namespace run
