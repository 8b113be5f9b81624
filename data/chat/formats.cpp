#include <algorithm>
#include <ctime>

#include "data/chat/format.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using engine::check;
using engine::hint;
using Turns = std::span<const Turn>;

// Python's str.strip(): the white space of Unicode, and the separators of ASCII.
std::string_view stripped(std::string_view text) {
  const auto space = [](char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); };
  size_t begin = 0, end = 0;
  bool any = false;
  for (size_t at = 0; at < text.size();) {
    const size_t from = at;
    if (space(next_code_point(text, at))) continue;
    if (!any) begin = from;
    any = true;
    end = at;
  }
  return any ? text.substr(begin, end - begin) : std::string_view();
}

std::string_view without_breaks(std::string_view text, bool front, bool back) {
  while (front && text.starts_with('\n')) text.remove_prefix(1);
  while (back && text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

class ChatText {
 public:
  void add(std::string_view text) { put(text, false); }
  void answer(std::string_view text) { put(text, true); }
  std::vector<ChatPiece> take() { return std::move(pieces_); }

 private:
  void put(std::string_view text, bool answer) {
    if (!pieces_.empty() && pieces_.back().answer == answer)
      pieces_.back().text += text;
    else
      pieces_.push_back({std::string(text), answer});
  }

  std::vector<ChatPiece> pieces_;
};

// The system message in front, if there is one; `turns` is then what follows.
const std::string* take_system(Turns& turns) {
  if (turns.front().role != "system") return nullptr;
  const std::string* content = &turns.front().content;
  turns = turns.subspan(1);
  return content;
}

// User and assistant in turns, the user first.
void check_alternate(Turns turns, const std::string& where) {
  for (size_t i = 0; i < turns.size(); ++i)
    check((turns[i].role == "user") == (i % 2 == 0) && turns[i].role != "system", where,
          "the roles must alternate user, assistant, user, ... in this chat format, and turn ",
          i + 1, " is of '", turns[i].role, "'");
}

// ---- ChatML: <|im_start|>role\ncontent<|im_end|>\n

void chatml_turn(ChatText& out, const Turn& turn, std::string_view content) {
  out.add("<|im_start|>" + turn.role + "\n");
  const std::string text = std::string(content) + "<|im_end|>";
  if (turn.role == "assistant")
    out.answer(text);
  else
    out.add(text);
  out.add("\n");
}

std::vector<ChatPiece> chatml_with(Turns turns, bool open, std::string_view system,
                                   std::string_view begin = "") {
  ChatText out;
  out.add(begin);
  if (!system.empty() && turns.front().role != "system")
    out.add("<|im_start|>system\n" + std::string(system) + "<|im_end|>\n");
  for (const Turn& turn : turns) chatml_turn(out, turn, turn.content);
  if (open) out.add("<|im_start|>assistant\n");
  return out.take();
}

std::vector<ChatPiece> chatml(Turns turns, const ChatMarks&, bool open, const std::string&) {
  return chatml_with(turns, open, "");
}
std::vector<ChatPiece> smollm2(Turns turns, const ChatMarks&, bool open, const std::string&) {
  return chatml_with(turns, open,
                     "You are a helpful AI assistant named SmolLM, trained by Hugging Face");
}
std::vector<ChatPiece> hermes(Turns turns, const ChatMarks& marks, bool open, const std::string&) {
  return chatml_with(turns, open, "You are a helpful assistant.", marks.begin);
}
std::vector<ChatPiece> qwen(Turns turns, const ChatMarks&, bool open, const std::string&) {
  return chatml_with(turns, open, "You are a helpful assistant.");
}
std::vector<ChatPiece> qwen25(Turns turns, const ChatMarks&, bool open, const std::string&) {
  return chatml_with(turns, open,
                     "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
}
std::vector<ChatPiece> qwen25_math(Turns turns, const ChatMarks&, bool open, const std::string&) {
  return chatml_with(turns, open,
                     "Please reason step by step, and put your final answer within \\boxed{}.");
}

// Qwen3's: thoughts of earlier answers are left out, the last answer has them, be they none.
std::vector<ChatPiece> qwen3(Turns turns, const ChatMarks&, bool open, const std::string&) {
  ChatText out;
  size_t last_query = turns.size() - 1;
  for (size_t i = turns.size(); i-- > 0;) {
    const std::string& text = turns[i].content;
    if (turns[i].role != "user" ||
        (text.starts_with("<tool_response>") && text.ends_with("</tool_response>")))
      continue;
    last_query = i;
    break;
  }
  for (size_t i = 0; i < turns.size(); ++i) {
    std::string_view content = turns[i].content;
    if (turns[i].role != "assistant") {
      chatml_turn(out, turns[i], content);
      continue;
    }
    constexpr std::string_view kBegin = "<think>", kEnd = "</think>";
    std::string_view thoughts;
    if (const size_t first = content.find(kEnd); first != std::string_view::npos) {
      thoughts = without_breaks(content.substr(0, first), false, true);
      if (const size_t begin = thoughts.rfind(kBegin); begin != std::string_view::npos)
        thoughts.remove_prefix(begin + kBegin.size());
      thoughts = without_breaks(thoughts, true, false);
      content = without_breaks(content.substr(content.rfind(kEnd) + kEnd.size()), true, false);
    }
    if (i > last_query && (i + 1 == turns.size() || !thoughts.empty()))
      chatml_turn(out, turns[i],
                  engine::concat("<think>\n", without_breaks(thoughts, true, true),
                                 "\n</think>\n\n", without_breaks(content, true, false)));
    else
      chatml_turn(out, turns[i], content);
  }
  if (open) out.add("<|im_start|>assistant\n");
  return out.take();
}

// ---- Llama

std::vector<ChatPiece> llama2(Turns turns, const ChatMarks& marks, bool, const std::string& where) {
  ChatText out;
  const std::string* system = take_system(turns);
  check_alternate(turns, where);
  for (size_t i = 0; i < turns.size(); ++i) {
    std::string content = turns[i].content;
    if (i == 0 && system) content = "<<SYS>>\n" + *system + "\n<</SYS>>\n\n" + content;
    const std::string_view text = stripped(content);
    if (turns[i].role == "user")
      out.add(engine::concat(marks.begin, "[INST] ", text, " [/INST]"));
    else
      out.answer(engine::concat(" ", text, " ", marks.end));
  }
  return out.take();
}

constexpr std::string_view kLlama3Answer = "<|start_header_id|>assistant<|end_header_id|>\n\n";

void llama3_turns(ChatText& out, Turns turns, bool open) {
  for (const Turn& turn : turns) {
    out.add("<|start_header_id|>" + turn.role + "<|end_header_id|>\n\n");
    const std::string text = std::string(stripped(turn.content)) + "<|eot_id|>";
    if (turn.role == "assistant")
      out.answer(text);
    else
      out.add(text);
  }
  if (open) out.add(kLlama3Answer);
}

std::vector<ChatPiece> llama3(Turns turns, const ChatMarks& marks, bool open, const std::string&) {
  ChatText out;
  out.add(marks.begin);
  llama3_turns(out, turns, open);
  return out.take();
}
// The first text that came with Llama 3: it always ends where the assistant goes on.
std::vector<ChatPiece> llama3_open(Turns turns, const ChatMarks& marks, bool,
                                   const std::string& where) {
  return llama3(turns, marks, true, where);
}

std::vector<ChatPiece> llama3_dated(Turns turns, const ChatMarks& marks, bool open,
                                    std::string_view date) {
  ChatText out;
  const std::string* system = take_system(turns);
  out.add(engine::concat(marks.begin,
                         "<|start_header_id|>system<|end_header_id|>\n\n"
                         "Cutting Knowledge Date: December 2023\nToday Date: ",
                         date, "\n\n", system ? stripped(*system) : "", "<|eot_id|>"));
  llama3_turns(out, turns, open);
  return out.take();
}
std::vector<ChatPiece> llama31(Turns turns, const ChatMarks& marks, bool open, const std::string&) {
  return llama3_dated(turns, marks, open, "26 Jul 2024");
}
// Llama 3.2 is told the day.
std::vector<ChatPiece> llama32(Turns turns, const ChatMarks& marks, bool open, const std::string&) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char date[32];
  return llama3_dated(turns, marks, open,
                      std::string_view(date, std::strftime(date, sizeof date, "%d %b %Y", &local)));
}

// ---- Zephyr and TinyLlama: <|role|>\ncontent</s>\n

std::vector<ChatPiece> zephyr(Turns turns, const ChatMarks& marks, bool open, const std::string&) {
  ChatText out;
  for (const Turn& turn : turns) {
    out.add("<|" + turn.role + "|>\n");
    if (turn.role == "assistant")
      out.answer(turn.content + marks.end);
    else
      out.add(turn.content + marks.end);
    out.add("\n");
  }
  if (open) out.add("<|assistant|>\n");
  return out.take();
}

// ---- Alpaca: ### Instruction: and ### Response:

std::vector<ChatPiece> alpaca_with(Turns turns, const ChatMarks& marks, bool open,
                                   const std::string& where, std::string_view introduction) {
  ChatText out;
  const std::string* system = take_system(turns);
  out.add(engine::concat(marks.begin, system ? *system : introduction, "\n\n"));
  for (const Turn& turn : turns) {
    check(turn.role != "system", where, "the system message must be the first in this chat format");
    if (turn.role == "user") {
      out.add("### Instruction:\n" + turn.content + "\n\n");
    } else {
      out.add("### Response:\n");
      out.answer(turn.content + marks.end);
      out.add("\n\n");
    }
  }
  if (open) out.add("### Response:\n");
  return out.take();
}
std::vector<ChatPiece> alpaca(Turns turns, const ChatMarks& marks, bool open,
                              const std::string& where) {
  return alpaca_with(turns, marks, open, where,
                     "Below is an instruction that describes a task. Write a response that "
                     "appropriately completes the request.");
}
std::vector<ChatPiece> alpaca_several(Turns turns, const ChatMarks& marks, bool open,
                                      const std::string& where) {
  return alpaca_with(turns, marks, open, where,
                     "Below are some instructions that describe some tasks. Write responses that "
                     "appropriately complete each request.");
}

}  // namespace

const std::vector<ChatFormat>& chat_formats() {
  static const std::vector<ChatFormat> all = {{"chatml", chatml},
                                              {"smollm2", smollm2},
                                              {"hermes", hermes},
                                              {"qwen", qwen},
                                              {"qwen2.5", qwen25},
                                              {"qwen2.5-math", qwen25_math},
                                              {"qwen3", qwen3},
                                              {"llama2", llama2},
                                              {"llama3", llama3},
                                              {"llama3-open", llama3_open},
                                              {"llama3.1", llama31},
                                              {"llama3.2", llama32},
                                              {"zephyr", zephyr},
                                              {"alpaca", alpaca},
                                              {"alpaca-several", alpaca_several}};
  return all;
}

std::string chat_format_names() {
  std::string names;
  for (const ChatFormat& format : chat_formats())
    names += (names.empty() ? "" : ", ") + format.name;
  return names;
}

const ChatFormat& chat_format(std::string_view name) {
  for (const ChatFormat& format : chat_formats())
    if (format.name == name) return format;
  engine::fail("--chat-format", "there is no '", name, "'",
               hint("known are ", chat_format_names()));
}

}  // namespace data
