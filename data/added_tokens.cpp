#include "data/added_tokens.h"

#include <algorithm>

#include "data/unicode.h"

namespace data {
namespace {

// Where the code point that ends before byte `end` begins.
size_t back_one(std::string_view text, size_t end) {
  do {
    --end;
  } while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
  return end;
}

bool word_before(std::string_view text, size_t at) {
  if (at == 0) return false;
  size_t begin = back_one(text, at);
  return is_word(next_code_point(text, begin));
}

bool word_after(std::string_view text, size_t at) {
  return at < text.size() && is_word(next_code_point(text, at));
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.content.empty(); });
  std::vector<std::string_view> contents;
  std::vector<int32_t> places;
  for (const AddedToken& token : tokens_) {
    begins_[static_cast<unsigned char>(token.content.front())] = true;
    places.push_back(static_cast<int32_t>(contents.size()));
    contents.push_back(token.content);
  }
  trie_ = ByteTrie(contents, places);
}

bool AddedTokens::find(std::string_view text, size_t from, size_t done, Match& match) const {
  if (tokens_.empty()) return false;
  for (size_t at = from; at < text.size(); ++at) {
    if (!begins_[static_cast<unsigned char>(text[at])]) continue;
    const AddedToken* token = nullptr;
    trie_.prefixes(text, at,
                   [&](size_t, int32_t place) { token = &tokens_[static_cast<size_t>(place)]; });
    if (!token) continue;
    const size_t end = at + token->content.size();
    if (token->single_word && (word_before(text, at) || word_after(text, end))) {
      at = end - 1;  // as the Rust library: the search goes on behind what it has discarded
      continue;
    }
    match = {std::max(at, done), end, end, token->id};
    if (token->lstrip) {
      while (match.begin > done) {
        size_t before = back_one(text, match.begin);
        const size_t begin = before;
        if (!is_white_space(next_code_point(text, before))) break;
        match.begin = begin;
      }
    }
    if (token->rstrip) {
      while (match.end < text.size()) {
        size_t after = match.end;
        if (!is_white_space(next_code_point(text, after))) break;
        match.end = after;
      }
    }
    return true;
  }
  return false;
}

}  // namespace data
