#include "data/gpt2_split.h"

#include <algorithm>

#include "data/unicode.h"

namespace data {
namespace {

enum class CharKind { letter, number, space, other };

CharKind kind_at(std::string_view text, size_t& at) {
  const char32_t c = next_code_point(text, at);
  if (c < 0x80) {
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') return CharKind::letter;
    if (c >= '0' && c <= '9') return CharKind::number;
    return is_white_space(c) ? CharKind::space : CharKind::other;
  }
  if (is_letter(c)) return CharKind::letter;
  if (is_number(c)) return CharKind::number;
  return is_white_space(c) ? CharKind::space : CharKind::other;
}

// The end of the run of `kind` that begins at `at`.
size_t run_end(std::string_view text, size_t at, CharKind kind) {
  while (at < text.size()) {
    size_t next = at;
    if (kind_at(text, next) != kind) break;
    at = next;
  }
  return at;
}

// Length of 's 't 're 've 'm 'll 'd after an apostrophe, 0 if none of them follows.
size_t contraction(std::string_view after) {
  for (const std::string_view ending : {"s", "t", "re", "ve", "m", "ll", "d"})
    if (after.starts_with(ending)) return ending.size();
  return 0;
}

}  // namespace

size_t gpt2_word_end(std::string_view text, size_t begin) {
  if (text[begin] == '\'')
    if (const size_t length = contraction(text.substr(begin + 1))) return begin + 1 + length;
  size_t at = begin;
  CharKind kind = kind_at(text, at);
  if (kind != CharKind::space) return run_end(text, at, kind);
  if (text[begin] == ' ' && at < text.size()) {  // " ?": a single space and what follows it
    size_t next = at;
    kind = kind_at(text, next);
    if (kind != CharKind::space) return run_end(text, next, kind);
  }
  // \s+(?!\S): all white space, but for its last character if something follows; \s+ where that
  // leaves nothing.
  size_t last = begin;
  while (at < text.size()) {
    size_t next = at;
    if (kind_at(text, next) != CharKind::space) return last == begin ? at : last;
    last = at;
    at = next;
  }
  return at;
}

}  // namespace data
