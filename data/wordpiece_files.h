// WordPiece from and to the files of Hugging Face: vocab.txt, tokenizer.json,
// tokenizer_config.json, special_tokens_map.json.
#pragma once

#include <filesystem>
#include <memory>

#include "data/tokenizer_files.h"
#include "data/wordpiece.h"

namespace data {

// The vocabulary comes from tokenizer.json, or else from vocab.txt (a token a line, the id is the
// line's number). Each setting comes from tokenizer_config.json, or else from tokenizer.json, or
// else is BERT's default (lower case; accents as lower case). Throws engine::Error if a file is
// damaged, or has a normaliser or pre-tokenizer other than BERT's.
std::unique_ptr<WordPieceTokenizer> read_wordpiece(const TokenizerFiles& files);

// Writes all four files; they load in Hugging Face's libraries and here to the same tokenizer.
void write_wordpiece(const std::filesystem::path& folder, const WordPieceTokenizer& tokenizer);

}  // namespace data
