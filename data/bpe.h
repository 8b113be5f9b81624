// Byte-level byte-pair encoding: the tokenizer of GPT-2 and RoBERTa. No text is unknown to it.
//
// Source: Hugging Face's ByteLevel pre-tokenizer and BPE model. Text is cut into words
// (data/gpt2_split.h), each byte of a word becomes a printable character, and pairs of neighbours
// are joined in the order in which training found them.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/tokenizer.h"

namespace data {

struct BpeOptions {
  bool add_prefix_space =
      false;  // the first word of a text, and after a special token, is treated like any other word
};

// The printable character (in UTF-8) that stands for each byte: itself for 33-126, 161-172 and
// 174-255, else 256 + n.
const std::array<std::string, 256>& byte_characters();

class BpeTokenizer final : public Tokenizer {
 public:
  using Merge = std::pair<std::string, std::string>;
  // `merges` in the order of their rank. Throws engine::Error if a merge or its result is not in
  // the vocabulary.
  BpeTokenizer(Vocabulary vocabulary, const std::vector<Merge>& merges,
               const std::vector<AddedToken>& added, SpecialIds special,
               SpecialTemplate special_template, BpeOptions options, int model_max_length = 0);

  std::string decode(std::span<const int32_t> ids, bool skip_special = true) const override;
  void save(const std::filesystem::path& folder)
      const override;  // vocab.json, merges.txt and Hugging Face's JSON files
  const BpeOptions& options() const { return options_; }
  const std::vector<Merge>& merges() const { return merges_; }
  const std::vector<AddedToken>& added() const { return added_.tokens(); }

 protected:
  void tokenize_plain(std::string_view text, std::vector<int32_t>& ids) const override;
  nlohmann::ordered_json settings() const override;

 private:
  struct Joined {
    int32_t rank, id;
  };
  void append_word(std::string_view word, std::vector<int32_t>& ids) const;
  void join_short(std::vector<int32_t>& ids, size_t begin) const;
  void join_long(std::vector<int32_t>& ids, size_t begin) const;
  const Joined* joined(int32_t a, int32_t b) const {
    const auto found = joined_.find(key(a, b));
    return found == joined_.end() ? nullptr : &found->second;
  }
  static uint64_t key(int32_t a, int32_t b) { return uint64_t(uint32_t(a)) << 32 | uint32_t(b); }

  std::vector<Merge> merges_;
  std::unordered_map<uint64_t, Joined> joined_;  // by the pair of ids
  std::array<int32_t, 256> byte_ids_;            // -1: the vocabulary lacks the byte
  std::unordered_map<char32_t, unsigned char> bytes_;
  BpeOptions options_;
};

}  // namespace data
