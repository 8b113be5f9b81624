// The "model" of a tokenizer.json: turns a word into token ids.
//
// Follows Hugging Face's Rust library. Kinds: BPE, Unigram, WordPiece, WordLevel. Each knows its
// own tokens only; tokens that were added to the tokenizer are found in the text before it.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/vocabulary.h"

namespace data {

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  // Appends the ids of a word. With `bytes`, its bytes stand for ByteLevel's characters; only asked
  // of a model that reads_bytes().
  virtual void append(std::string_view word, bool bytes, std::vector<int32_t>& ids) const = 0;
  virtual bool reads_bytes() const { return false; }
  // "wordpiece", "bpe", "unigram", "wordlevel"
  virtual const char* kind() const = 0;

  // Reads the model of `json` and its tokens into `vocabulary` (empty before). Throws engine::Error
  // that opens with `where`.
  static std::unique_ptr<TokenModel> from_json(const nlohmann::json& json, const std::string& where,
                                               Vocabulary& vocabulary);
};

// One file a kind. `json` is the "model" object; the tokens are in `vocabulary` already.
std::unique_ptr<TokenModel> make_bpe(const nlohmann::json& json, const std::string& where,
                                     const Vocabulary& vocabulary);
std::unique_ptr<TokenModel> make_unigram(const nlohmann::json& json, const std::string& where,
                                         const Vocabulary& vocabulary);
std::unique_ptr<TokenModel> make_wordpiece(const nlohmann::json& json, const std::string& where,
                                           const Vocabulary& vocabulary);
std::unique_ptr<TokenModel> make_wordlevel(const nlohmann::json& json, const std::string& where,
                                           const Vocabulary& vocabulary);

}  // namespace data
