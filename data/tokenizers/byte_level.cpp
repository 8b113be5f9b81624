#include "data/tokenizers/byte_level.h"

#include "data/unicode.h"

namespace data {
namespace {

// The byte of each character below 512, -1 where there is none.
const std::array<int16_t, 512>& bytes_of_characters() {
  static const auto table = [] {
    std::array<int16_t, 512> bytes;
    bytes.fill(-1);
    for (int byte = 0; byte < 256; ++byte) {
      size_t at = 0;
      const char32_t c = next_code_point(byte_characters()[static_cast<size_t>(byte)], at);
      bytes[c] = static_cast<int16_t>(byte);
    }
    return bytes;
  }();
  return table;
}

}  // namespace

const std::array<std::string, 256>& byte_characters() {
  static const auto table = [] {
    std::array<std::string, 256> characters;
    char32_t next = 256;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool printable =
          (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      append_utf8(printable ? byte : next++, characters[byte]);
    }
    return characters;
  }();
  return table;
}

std::string to_byte_characters(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) text += byte_characters()[static_cast<unsigned char>(c)];
  return text;
}

std::optional<std::string> from_byte_characters(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (size_t at = 0; at < token.size();) {
    const char32_t c = next_code_point(token, at);
    const int byte = c < 512 ? bytes_of_characters()[c] : -1;
    if (byte < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace data
