#include "task.h"

namespace task {

std::vector<std::string> wordpiece(const std::string& word,
                                   const std::set<std::string>& vocabulary) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < word.size();) {
    size_t length = word.size() - begin;
    std::string piece;
    for (; length > 0; --length) {
      piece = (begin > 0 ? "##" : "") + word.substr(begin, length);
      if (vocabulary.count(piece)) break;
    }
    if (length == 0) return {"[UNK]"};
    pieces.push_back(piece);
    begin += length;
  }
  return pieces;
}

std::string text_of(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) {
    if (piece == "[CLS]" || piece == "[SEP]" || piece == "[PAD]") continue;
    if (piece.rfind("##", 0) == 0)
      text += piece.substr(2);
    else
      text += (text.empty() ? "" : " ") + piece;
  }
  return text;
}

}  // namespace task
