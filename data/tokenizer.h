// Text to token ids and back: what all tokenizers have in common, and how one is loaded from a
// Hugging Face folder.
//
// A tokenizer is what its files say, whatever model it stands beside: the parts of tokenizer.json
// (normalizer, pre_tokenizer, model, post_processor, decoder; data/tokenizers), run as Hugging
// Face's Rust library runs them. Folders without tokenizer.json are converted first
// (data/tokenizers/older_files.h).
//
// A tokenizer is immutable after loading, so one object serves any number of threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/added_tokens.h"
#include "data/special_template.h"
#include "data/tokenizer_files.h"
#include "data/tokenizers/special_tokens.h"
#include "data/vocabulary.h"

namespace data {

class Normalizer;
class PreTokenizer;
class TokenModel;
class TokenDecoder;

struct Encoding {
  std::vector<int32_t> ids;  // (tokens), special tokens included
  // (tokens) token_type_ids: 0 for the first text; BERT has 1 for the second
  std::vector<int32_t> types;
  int32_t removed = 0;  // tokens that max_length cut off

  size_t size() const { return ids.size(); }
};

enum class Side { right, left };

class Tokenizer {
 public:
  // Throws engine::Error that names the file and the part: what is damaged, or of a kind that is
  // not known.
  explicit Tokenizer(TokenizerFiles files);
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Appends the ids of a text without adding special tokens. Special tokens written in the text
  // ("[MASK]") become one id. Bytes that are not UTF-8 count as U+FFFD.
  void tokenize(std::string_view text, std::vector<int32_t>& ids) const;

  // `[CLS] A [SEP]` (BERT), `<s> A </s>` (RoBERTa), `<s> A` (LLaMA), `A` (GPT-2). max_length counts
  // the special tokens; 0 is no limit. What is too long is cut on the truncation_side(). Throws
  // engine::Error if max_length leaves no room for a text token.
  Encoding encode(std::string_view text, int max_length = 0) const;

  // `[CLS] A [SEP] B [SEP]` with types 0 and 1 (BERT), `<s> A </s></s> B </s>` (RoBERTa).
  // Truncation is Hugging Face's `longest_first` as its reference (slow) tokenizers do it: one
  // token at a time, from A if A is longer, else from B. (Its fast ones leave an odd token on the
  // side that was longer before; that is one token's difference.)
  Encoding encode_pair(std::string_view a, std::string_view b, int max_length = 0) const;

  // The token strings of ids, as Hugging Face's convert_ids_to_tokens gives them.
  std::vector<std::string> pieces(std::span<const int32_t> ids) const;
  // The text of ids, as Hugging Face's decode gives it. What normalisation removed (case, accents,
  // spacing) does not come back; ids without a token are left out. For one id after another see
  // data/decode_stream.h.
  std::string decode(std::span<const int32_t> ids, bool skip_special = true) const;

  // Throws engine::Error if out of range.
  const std::string& token(int32_t id) const { return vocabulary_.token(id); }
  std::optional<int32_t> id(std::string_view token) const { return vocabulary_.id(token); }
  int32_t vocab_size() const { return vocabulary_.size(); }  // largest id + 1
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const SpecialIds& special() const { return special_; }
  const SpecialTemplate& special_template() const { return template_; }
  bool is_special(int32_t id) const {
    return id >= 0 && static_cast<size_t>(id) < is_special_.size() && is_special_[size_t(id)];
  }

  // The model_max_length of tokenizer_config.json; 0 if it says nothing (or Hugging Face's "very
  // large integer").
  int model_max_length() const { return model_max_length_; }
  // Where texts that are too long are cut, and where others would be padded: "truncation_side" and
  // "padding_side" of tokenizer_config.json, else of tokenizer.json, else right.
  Side truncation_side() const { return truncation_side_; }
  Side padding_side() const { return padding_side_; }

  // Kind, settings, size and a fingerprint of the vocabulary: for a run record.
  nlohmann::ordered_json describe() const;
  // The files that it was made from, for instance a chat template.
  const TokenizerFiles& files() const { return files_; }
  // Writes these files, byte for byte. Throws engine::Error if the folder cannot be written.
  void save(const std::filesystem::path& folder) const { files_.write(folder); }

 private:
  // Appends the ids of a stretch of well-formed UTF-8 that holds none of added_.
  void tokenize_stretch(std::string_view text, bool begins_text, std::vector<int32_t>& ids) const;
  void read_config(const nlohmann::json& document);

  TokenizerFiles files_;
  Vocabulary vocabulary_;                   // the model's tokens and the added ones
  AddedTokens added_;                       // found in the text as it came
  AddedTokens normalized_;                  // found in the normalised text
  std::unique_ptr<Normalizer> normalizer_;  // these three may be null
  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  std::unique_ptr<TokenDecoder> decoder_;
  std::unique_ptr<TokenModel> model_;
  // What decode() writes for added tokens that were normalised, by id.
  std::unordered_map<int32_t, std::string> normal_texts_;
  SpecialTemplate template_ = SpecialTemplate::plain();
  SpecialIds special_;
  std::vector<bool> is_special_;  // (ids) left out by decode(skip_special)
  int model_max_length_ = 0;
  Side truncation_side_ = Side::right, padding_side_ = Side::right;
  bool clean_up_ = false;  // decode takes spaces before punctuation out
  nlohmann::ordered_json settings_;
};

// Loads what lies in a Hugging Face folder: tokenizer.json, or else vocab.txt (BERT), vocab.json
// with merges.txt (GPT-2, RoBERTa, Qwen2) or a SentencePiece model; settings from
// tokenizer_config.json and special_tokens_map.json. Throws engine::Error that says what was looked
// for if there is none.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);

}  // namespace data
