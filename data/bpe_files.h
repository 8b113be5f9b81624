// Byte-level BPE from and to the files of Hugging Face: vocab.json with merges.txt, tokenizer.json,
// tokenizer_config.json, special_tokens_map.json.
#pragma once

#include <filesystem>
#include <memory>

#include "data/bpe.h"
#include "data/tokenizer_files.h"

namespace data {

// Vocabulary and merges come from tokenizer.json, or else from vocab.json and merges.txt. Without
// tokenizer.json the template is RoBERTa's if tokenizer_config.json says so, or if it says nothing
// and the vocabulary has <s> and </s>; else it is GPT-2's (no special tokens). Throws engine::Error
// for a damaged file or a BPE that is not byte-level.
std::unique_ptr<BpeTokenizer> read_bpe(const TokenizerFiles& files);

// Writes all five files; they load in Hugging Face's libraries and here to the same tokenizer.
void write_bpe(const std::filesystem::path& folder, const BpeTokenizer& tokenizer);

}  // namespace data
