// The JSON files of a Hugging Face tokenizer folder, read once, and what WordPiece and BPE need of
// them alike.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/added_tokens.h"
#include "data/tokenizer.h"
#include "data/vocabulary.h"

namespace data {

// (nlohmann::json and not its ordered twin, which searches an object from its beginning for every
// key: 50,000 tokens.)
struct TokenizerFiles {
  std::filesystem::path folder;
  nlohmann::json tokenizer;    // tokenizer.json; null if absent
  nlohmann::json config;       // tokenizer_config.json; {} if absent
  nlohmann::json special_map;  // special_tokens_map.json; {} if absent
  nlohmann::json added;        // added_tokens.json of older versions, {token: id}; {} if absent

  // Throws engine::Error with the file's name if one is there but is not JSON.
  static TokenizerFiles read(const std::filesystem::path& folder);

  bool has(const char* name) const { return std::filesystem::exists(folder / name); }
  // The text of a special token by role ("unk_token"), from tokenizer_config.json or else
  // special_tokens_map.json, where it is a string or an object with "content"; `fallback` if both
  // are silent.
  std::string special(const std::string& role, const std::string& fallback) const;
  // A true or false of tokenizer_config.json; nullopt if it is absent or null.
  std::optional<bool> flag(const char* name) const;
  int model_max_length() const;  // 0 if absent or absurd
  // All added tokens with their settings: those of tokenizer.json, else tokenizer_config.json's
  // "added_tokens_decoder", with added_tokens.json's names after them.
  std::vector<AddedToken> added_tokens() const;
};

// Special tokens of the usual roles, as far as the vocabulary has them; each is added to `added`
// unless it is there. `names` gives the text by role, for roles that the files do not name.
struct SpecialNames {
  std::string pad, unk, cls, sep, mask, bos, eos;  // empty: no such role
};
SpecialIds find_special(const TokenizerFiles& files, const SpecialNames& names,
                        const Vocabulary& vocabulary, std::vector<AddedToken>& added);

// {"token": id, ...}, the "vocab" of tokenizer.json and vocab.json.
void add_tokens(const nlohmann::json& vocab, const std::string& where, Vocabulary& vocabulary);

nlohmann::json read_json(const std::filesystem::path& file);
// Both throw engine::Error if the file cannot be read or written.
std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace data
