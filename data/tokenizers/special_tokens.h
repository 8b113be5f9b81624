// Special and added tokens as a tokenizer's files name them: by role ("unk_token"), in
// "additional_special_tokens", and in the lists of added tokens.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/added_tokens.h"
#include "data/tokenizer_files.h"
#include "data/vocabulary.h"

namespace data {

// Special tokens by role; a tokenizer has those that its files name. RoBERTa's <s> and </s> are cls
// and sep, and bos and eos.
struct SpecialIds {
  std::optional<int32_t> pad, unk, cls, sep, mask, bos, eos;
};

struct SpecialTokens {
  SpecialIds ids;
  std::vector<AddedToken> added;
};

// The usual names of the roles in a kind of tokenizer, for roles that the files do not name. Empty:
// no such role.
struct SpecialNames {
  std::string pad, unk, cls, sep, mask, bos, eos;
};

// All added tokens: those of `document` (tokenizer.json), of tokenizer_config.json's
// "added_tokens_decoder", of added_tokens.json, and those that tokenizer_config.json or
// special_tokens_map.json name as special. `vocabulary` holds the model's tokens and gets the added
// ones; a special token without an id gets the next free one. With `adds_usual`, tokens under their
// usual names are special too (older folders, which list nothing).
//
// Throws engine::Error with the file's name: an id that is no whole number, twice, or far outside;
// one token with two ids.
SpecialTokens read_special_tokens(const TokenizerFiles& files, const nlohmann::json& document,
                                  const SpecialNames& usual, bool adds_usual,
                                  Vocabulary& vocabulary);

// The text of a special token by role from tokenizer_config.json or else special_tokens_map.json;
// empty if both are silent.
std::string special_name(const TokenizerFiles& files, const std::string& role);

}  // namespace data
