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

void AddedTokens::add(AddedToken token) {
  if (token.content.empty()) return;
  std::erase_if(tokens_, [&](const AddedToken& other) { return other.content == token.content; });
  begins_[static_cast<unsigned char>(token.content.front())] = true;
  const auto shorter = [&](const AddedToken& other) {
    return other.content.size() < token.content.size();
  };
  tokens_.insert(std::find_if(tokens_.begin(), tokens_.end(), shorter), std::move(token));
}

bool AddedTokens::find(std::string_view text, size_t from, size_t done, Match& match) const {
  for (size_t at = from; at < text.size(); ++at) {
    if (!begins_[static_cast<unsigned char>(text[at])]) continue;
    const auto here = text.substr(at);
    const auto token = std::find_if(tokens_.begin(), tokens_.end(), [&](const AddedToken& t) {
      return here.starts_with(t.content);
    });
    if (token == tokens_.end()) continue;
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
