#include <algorithm>

#include "data/chat/format.h"

namespace data {

ChatMarks chat_marks(const Tokenizer& tokenizer) {
  const SpecialIds& ids = tokenizer.special();
  return {ids.bos ? tokenizer.token(*ids.bos) : "", ids.eos ? tokenizer.token(*ids.eos) : ""};
}

// All text is tokenised at once, as apply_chat_template does. Where an answer begins and ends is
// found by tokenising the text up to there: the ids that both have in common are before it. A token
// that crosses the place has a part in the answer.
ChatIds encode_chat(const Tokenizer& tokenizer, const std::vector<ChatPiece>& pieces) {
  ChatIds out;
  std::string text;
  for (const ChatPiece& piece : pieces) text += piece.text;
  tokenizer.tokenize(text, out.ids);
  out.answer.assign(out.ids.size(), 0);
  std::vector<int32_t> part;
  // How many ids lie before byte `end`, and whether the next one crosses it.
  const auto before = [&](size_t end, bool& crosses) {
    part.clear();
    tokenizer.tokenize(std::string_view(text).substr(0, end), part);
    const auto [mine, other] =
        std::mismatch(part.begin(), part.end(), out.ids.begin(), out.ids.end());
    crosses = mine != part.end();
    return static_cast<size_t>(mine - part.begin());
  };
  size_t end = 0;
  for (const ChatPiece& piece : pieces) {
    const size_t begin = end;
    end += piece.text.size();
    if (!piece.answer) continue;
    bool crosses = false;
    const size_t first = before(begin, crosses);
    size_t last = out.ids.size();
    if (end < text.size()) {
      last = before(end, crosses);
      last = std::min(out.ids.size(), last + crosses);
    }
    for (size_t i = first; i < last; ++i) out.answer[i] = 1;
  }
  return out;
}

}  // namespace data
