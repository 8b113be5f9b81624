// BERT's tokenizer: normalise, split into words, then each word into the longest pieces that the
// vocabulary has.
//
// Source: Hugging Face's BertTokenizerFast (BertNormalizer, BertPreTokenizer, WordPiece of its Rust
// library).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/bert_normalizer.h"
#include "data/tokenizer.h"

namespace data {

struct WordPieceOptions {
  BertNormalizerOptions normalizer;
  std::string continuation = "##";    // prefix of a piece that does not begin a word
  int max_characters_per_word = 100;  // a longer word (in code points) is unknown as a whole
};

class WordPieceTokenizer final : public Tokenizer {
 public:
  // `special.unk` must be set, ids must lie in the vocabulary: throws engine::Error otherwise.
  // Tokens with `normalized` are looked for in the normalised text, as in Hugging Face.
  WordPieceTokenizer(Vocabulary vocabulary, const std::vector<AddedToken>& added,
                     SpecialIds special, SpecialTemplate special_template, WordPieceOptions options,
                     int model_max_length = 0);

  // The common case, for tests and for a vocabulary that was just trained: [UNK] [CLS] [SEP] [PAD]
  // [MASK] by their names, template `[CLS] A [SEP] B [SEP]`.
  static std::unique_ptr<WordPieceTokenizer> bert(Vocabulary vocabulary,
                                                  WordPieceOptions options = {});

  std::string decode(std::span<const int32_t> ids, bool skip_special = true) const override;
  void save(const std::filesystem::path& folder)
      const override;  // vocab.txt and Hugging Face's JSON files
  const WordPieceOptions& options() const { return options_; }

 protected:
  void tokenize_plain(std::string_view text, std::vector<int32_t>& ids) const override;
  nlohmann::ordered_json settings() const override;

 private:
  void append_word(std::string_view word, std::vector<int32_t>& ids) const;

  using PieceMap =
      std::unordered_map<std::string_view, int32_t>;  // views into vocabulary_, which never changes
  PieceMap first_;                                    // pieces that begin a word
  PieceMap next_;                                // pieces that continue one, without the prefix
  size_t longest_first_ = 0, longest_next_ = 0;  // bytes
  AddedTokens normalized_;
  WordPieceOptions options_;
};

}  // namespace data
