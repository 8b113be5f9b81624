// SentencePiece's precompiled character map: a trie of byte sequences to what replaces them.
//
// Layout: uint32 size of the trie in bytes, the trie (a Darts double array of uint32 units, little
// endian), then the replacements, each ended by a zero byte. Files are not trusted: every index is
// checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace data {

class CharsMap {
 public:
  // From the bytes as they stand in a SentencePiece model. Throws engine::Error if they are cut.
  CharsMap(std::string_view bytes, const std::string& where);
  // From the base64 form of tokenizer.json.
  static CharsMap from_base64(std::string_view text, const std::string& where);

  // As the Rust library applies it: a grapheme of fewer than 6 bytes whose beginning the map knows
  // is replaced as a whole, else each character that it knows.
  std::string apply(std::string_view text) const;

 private:
  // What replaces the shortest prefix of `chunk` that the map knows.
  std::optional<std::string_view> transform(std::string_view chunk) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

std::string from_base64(std::string_view text, const std::string& where);
std::string to_base64(std::string_view bytes);

}  // namespace data
