// The "normalizer" of a tokenizer.json: what happens to a text before it is cut into words.
//
// Follows Hugging Face's Rust library. Known are BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase,
// Strip, StripAccents, Nmt, Replace, Prepend, Precompiled (SentencePiece's character map),
// ByteLevel and Sequence; any other kind is an engine::Error that names it. Newer characters are
// normalised by Unicode 15 (utf8proc); the library's tables are older.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace data {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(std::string& text) const = 0;  // well-formed UTF-8 before and after

  // nullptr for null: the text stays as it is. `where` opens the messages.
  static std::unique_ptr<Normalizer> from_json(const nlohmann::json& json,
                                               const std::string& where);
};

}  // namespace data
