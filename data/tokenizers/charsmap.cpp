#include "data/tokenizers/charsmap.h"

#include <utf8proc.h>

#include <cstring>

#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// A unit of the double array: label in bits 0-7 and 31, leaf flag in bit 8, offset above.
uint32_t label(uint32_t unit) { return unit & ((1u << 31) | 0xFFu); }
bool has_leaf(uint32_t unit) { return (unit >> 8) & 1u; }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
uint32_t value(uint32_t unit) { return unit & ((1u << 31) - 1); }

// The end of the grapheme cluster that begins at `begin`.
size_t grapheme_end(std::string_view text, size_t begin) {
  utf8proc_int32_t state = 0;
  size_t at = begin;
  char32_t before = next_code_point(text, at);
  while (at < text.size()) {
    size_t next = at;
    const char32_t c = next_code_point(text, next);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before),
                                         static_cast<utf8proc_int32_t>(c), &state))
      break;
    before = c;
    at = next;
  }
  return at;
}

}  // namespace

CharsMap::CharsMap(std::string_view bytes, const std::string& where) {
  uint32_t size = 0;
  engine::check(bytes.size() >= 4, where, "the precompiled character map is cut short");
  std::memcpy(&size, bytes.data(), 4);
  engine::check(size % 4 == 0 && size >= 4 && size <= bytes.size() - 4, where,
                "the precompiled character map is damaged (a trie of ", size, " bytes in ",
                bytes.size(), ")");
  units_.resize(size / 4);
  std::memcpy(units_.data(), bytes.data() + 4, size);
  replacements_ = bytes.substr(4 + size);
  engine::check(is_utf8(replacements_), where, "the precompiled character map is not UTF-8");
}

CharsMap CharsMap::from_base64(std::string_view text, const std::string& where) {
  return CharsMap(data::from_base64(text, where), where);
}

std::optional<std::string_view> CharsMap::transform(std::string_view chunk) const {
  uint32_t node = offset(units_[0]);
  for (const char c : chunk) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) break;
    node ^= byte;
    if (node >= units_.size()) break;
    const uint32_t unit = units_[node];
    if (label(unit) != byte) break;
    node ^= offset(unit);
    if (node >= units_.size()) break;
    if (!has_leaf(unit)) continue;
    const size_t begin = value(units_[node]);
    if (begin > replacements_.size()) break;
    const size_t end = std::min(replacements_.find('\0', begin), replacements_.size());
    // A damaged map can point into the middle of a character.
    const std::string_view found(replacements_.data() + begin, end - begin);
    if (!is_utf8(found)) break;
    return found;
  }
  return std::nullopt;
}

std::string CharsMap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = grapheme_end(text, begin);
    const std::string_view grapheme = text.substr(begin, end - begin);
    begin = end;
    if (grapheme.size() < 6) {
      if (const auto known = transform(grapheme)) {
        out += *known;
        continue;
      }
    }
    for (size_t at = 0; at < grapheme.size();) {
      const size_t from = at;
      next_code_point(grapheme, at);
      const std::string_view character = grapheme.substr(from, at - from);
      out += transform(character).value_or(character);
    }
  }
  return out;
}

std::string from_base64(std::string_view text, const std::string& where) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int filled = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    engine::check(digit != std::string_view::npos, where, "a base64 text holds the byte ",
                  static_cast<int>(static_cast<unsigned char>(c)));
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    filled += 6;
    if (filled < 8) continue;
    filled -= 8;
    bytes.push_back(static_cast<char>((bits >> filled) & 0xFFu));
  }
  return bytes;
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t bits = 0;
    const size_t n = std::min<size_t>(3, bytes.size() - at);
    for (size_t i = 0; i < 3; ++i)
      bits = (bits << 8) | (i < n ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (size_t i = 0; i < 4; ++i) text += i <= n ? kDigits[(bits >> (18 - 6 * i)) & 63u] : '=';
  }
  return text;
}

}  // namespace data
