// Text to token ids: what all tokenizers have in common, and how one is loaded from a Hugging Face
// folder.
//
// A tokenizer is immutable after loading, so one object serves any number of threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/added_tokens.h"
#include "data/special_template.h"
#include "data/vocabulary.h"

namespace data {

struct Encoding {
  std::vector<int32_t> ids;  // (tokens), special tokens included
  std::vector<int32_t>
      types;            // (tokens) token_type_ids: 0 for the first text; BERT has 1 for the second
  int32_t removed = 0;  // tokens that max_length cut off

  size_t size() const { return ids.size(); }
};

// Special tokens by role; a tokenizer has those that its files name. RoBERTa's <s> and </s> are cls
// and sep, and bos and eos.
struct SpecialIds {
  std::optional<int32_t> pad, unk, cls, sep, mask, bos, eos;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Appends the ids of a text without adding special tokens. Special tokens written in the text
  // ("[MASK]") become one id. Bytes that are not UTF-8 count as U+FFFD.
  void tokenize(std::string_view text, std::vector<int32_t>& ids) const;

  // `[CLS] A [SEP]` (BERT), `<s> A </s>` (RoBERTa), `A` (GPT-2). max_length counts the special
  // tokens; 0 is no limit. What is too long is cut at the end. Throws engine::Error if max_length
  // leaves no room for a text token.
  Encoding encode(std::string_view text, int max_length = 0) const;

  // `[CLS] A [SEP] B [SEP]` with types 0 and 1 (BERT), `<s> A </s></s> B </s>` (RoBERTa).
  // Truncation is Hugging Face's `longest_first` as its reference (slow) tokenizers do it: one
  // token at a time from the end of A if A is longer, else from B. (Its fast ones leave an odd
  // token on the side that was longer before; that is one token's difference.)
  Encoding encode_pair(std::string_view a, std::string_view b, int max_length = 0) const;

  // The token strings of ids, as Hugging Face's convert_ids_to_tokens gives them.
  std::vector<std::string> pieces(std::span<const int32_t> ids) const;
  // Readable text of ids. What normalisation removed (case, accents, spacing) does not come back.
  virtual std::string decode(std::span<const int32_t> ids, bool skip_special = true) const = 0;

  const std::string& token(int32_t id) const {
    return vocabulary_.token(id);
  }  // throws engine::Error if out of range
  std::optional<int32_t> id(std::string_view token) const { return vocabulary_.id(token); }
  int32_t vocab_size() const { return vocabulary_.size(); }  // largest id + 1
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const SpecialIds& special() const { return special_; }
  const SpecialTemplate& special_template() const { return template_; }

  // The model_max_length of tokenizer_config.json; 0 if it says nothing (or Hugging Face's "very
  // large integer").
  int model_max_length() const { return model_max_length_; }

  // Kind, settings, size and a fingerprint of the vocabulary: for a run record.
  nlohmann::ordered_json describe() const;
  // Writes the files that load_tokenizer and Hugging Face read. Throws engine::Error if the folder
  // cannot be written.
  virtual void save(const std::filesystem::path& folder) const = 0;

 protected:
  Tokenizer() = default;
  // Appends the ids of a stretch of well-formed UTF-8 that holds none of added_.
  virtual void tokenize_plain(std::string_view text, std::vector<int32_t>& ids) const = 0;
  // What describe() says beside the vocabulary: at least "type".
  virtual nlohmann::ordered_json settings() const = 0;

  bool is_special(int32_t id) const;

  Vocabulary vocabulary_;
  AddedTokens added_;  // found in the text as it came
  SpecialTemplate template_ = SpecialTemplate::plain();
  SpecialIds special_;
  std::vector<int32_t> special_list_;  // all ids that decode(skip_special) leaves out
  int model_max_length_ = 0;
};

// Loads what lies in a Hugging Face folder: WordPiece from vocab.txt and/or tokenizer.json,
// byte-level BPE from vocab.json + merges.txt and/or tokenizer.json; settings from
// tokenizer_config.json and special_tokens_map.json. Throws engine::Error that says what was looked
// for if there is none, or if the kind is not one of these two.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);

}  // namespace data
