// The "decoder" of a tokenizer.json: turns tokens back into text.
//
// Follows Hugging Face's Rust library. Known are ByteLevel, WordPiece, Metaspace, BPEDecoder,
// ByteFallback, Fuse, Strip, Replace and Sequence; any other kind (CTC) is an engine::Error that
// names it.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace data {

class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  // The text is what is left, joined. Bytes that are no UTF-8 become U+FFFD.
  virtual void apply(std::vector<std::string>& tokens) const = 0;

  // nullptr for null: tokens are joined with spaces. `where` opens the messages.
  static std::unique_ptr<TokenDecoder> from_json(const nlohmann::json& json,
                                                 const std::string& where);
};

// Spaces that English word pieces leave before punctuation and in "do n't", taken out.
// `negations`: "do not" too, as the WordPiece decoder does and Hugging Face's clean-up does not.
std::string clean_up_spaces(std::string text, bool negations = true);

}  // namespace data
