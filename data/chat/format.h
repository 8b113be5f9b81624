// Chats as the text that a model was trained on: who says what, between that model's marks.
//
//   const ChatFormat& format = own_chat_format(tokenizer, where);     // or chat_format("chatml")
//   const auto pieces = format.write(turns, chat_marks(tokenizer), false, where);
//
// A folder brings its form as a program (chat_template). It is not run: those of common models are
// known by their whole text, and formats.cpp writes what transformers' apply_chat_template gives.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/task.h"
#include "data/tokenizer.h"

namespace data {

struct ChatPiece {
  std::string text;
  bool answer = false;  // what the assistant writes, with the mark that ends it
};

// The special tokens that a form may use; empty where the tokenizer has none.
struct ChatMarks {
  std::string begin, end;  // bos_token, eos_token
};
ChatMarks chat_marks(const Tokenizer& tokenizer);

struct ChatFormat {
  std::string name;
  // The text in pieces. `open`: it ends where the assistant is to go on (add_generation_prompt).
  // Throws engine::Error that begins with `where` for turns that the form does not have.
  std::vector<ChatPiece> (*write)(std::span<const Turn> turns, const ChatMarks& marks, bool open,
                                  const std::string& where);
};

const std::vector<ChatFormat>& chat_formats();
std::string chat_format_names();  // "chatml, smollm2, ..."
// By name; throws engine::Error that lists them.
const ChatFormat& chat_format(std::string_view name);
// The form of the tokenizer's own chat_template. Throws engine::Error if there is none, or one that
// is not known: both hint at --chat-format.
const ChatFormat& own_chat_format(const Tokenizer& tokenizer);

// The chat_template of a tokenizer's files; empty if there is none.
std::string chat_template_of(const TokenizerFiles& files);

// The ids of the text, special tokens as it has them and no others, with a mark for those that an
// answer has a part in.
struct ChatIds {
  std::vector<int32_t> ids;
  std::vector<uint8_t> answer;  // (ids) 1: of an answer
};
ChatIds encode_chat(const Tokenizer& tokenizer, const std::vector<ChatPiece>& pieces);

}  // namespace data
