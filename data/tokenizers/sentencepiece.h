// SentencePiece models (spiece.model, tokenizer.model): read from their protocol buffer, and
// written as the tokenizer.json that Hugging Face's converters make of them.
//
// Only the five kinds of fields that matter here are read, so the reader is smaller than what a
// library and its schema compiler would bring; every length is checked, as files are not trusted.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer_files.h"

namespace data {

struct SentencePieceModel {
  enum Kind { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
  enum Type { unigram = 1, bpe = 2 };
  struct Piece {
    std::string text;
    float score = 0;
    int kind = normal;
  };
  std::vector<Piece> pieces;
  int type = unigram;
  bool byte_fallback = false;
  int64_t unk_id = 0, bos_id = 1, eos_id = 2;
  std::string unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>";
  std::string charsmap;  // precompiled
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
};

// Throws engine::Error that opens with `where` for what is no SentencePiece model.
SentencePieceModel read_sentencepiece(std::string_view bytes, const std::string& where);

// The document of a model as LlamaTokenizer uses it. `config` may have "legacy" and
// "add_prefix_space".
nlohmann::json llama_document(const SentencePieceModel& model, const nlohmann::json& config,
                              const std::string& where);
bool has_sentencepiece(const TokenizerFiles& files);
// The document of the folder's model as `tokenizer_class` uses it ("Llama", "Albert", "T5",
// "XLMRoberta", "Camembert", "DebertaV2"); with no class as SentencePiece itself encodes. Throws
// engine::Error for another class.
nlohmann::json sentencepiece_document(const TokenizerFiles& files,
                                      const std::string& tokenizer_class);

}  // namespace data
