#include "run/chat.h"

namespace run {

const data::ChatFormat& chat_format_of(const LanguageModel& lm, const std::string& name) {
  if (!name.empty()) return data::chat_format(name);
  if (lm.known && lm.known->task.kind == "lm" && !lm.known->task.text.chat_format.empty())
    return data::chat_format(lm.known->task.text.chat_format);
  return data::own_chat_format(*lm.tokenizer);
}

std::vector<int32_t> chat_ids(const LanguageModel& lm, const data::ChatFormat& format,
                              std::span<const data::Turn> turns, const std::string& where) {
  const auto pieces = format.write(turns, data::chat_marks(*lm.tokenizer), true, where);
  return data::encode_chat(*lm.tokenizer, pieces).ids;
}

std::vector<int32_t> chat_ends(const LanguageModel& lm, const data::ChatFormat& format) {
  const std::vector<data::Turn> turns = {{"user", "a"}, {"assistant", "b"}};
  const auto pieces = format.write(turns, data::chat_marks(*lm.tokenizer), false, "chat");
  const data::ChatIds chat = data::encode_chat(*lm.tokenizer, pieces);
  for (size_t i = 0; i < chat.ids.size(); ++i)
    if (chat.answer[i] && lm.tokenizer->is_special(chat.ids[i])) return {chat.ids[i]};
  return {};
}

}  // namespace run
