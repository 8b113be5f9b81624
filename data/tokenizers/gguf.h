// Tokenizers as GGUF files have them ("tokenizer.ggml.*"): two kinds, byte-level BPE with merges
// ("gpt2") and SentencePiece's BPE with scores ("llama"); and from there to the files of a Hugging
// Face folder, and back.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "data/tokenizer_files.h"

namespace data {

struct GgufTokenizer {
  enum Type { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

  std::string model = "gpt2";       // tokenizer.ggml.model
  std::string pre;                  // of gpt2: how text is cut into words, by name
  std::vector<std::string> tokens;  // by id
  std::vector<int32_t> types;       // a Type each; empty: all are normal
  std::vector<float> scores;        // of llama
  std::vector<std::string> merges;  // of gpt2: "a b", by rank
  std::optional<int64_t> bos, eos, unk, pad;
  std::optional<bool> add_bos, add_eos, add_space_prefix;
  std::string chat_template;
  int64_t model_max_length = 0;  // 0: not said
};

// tokenizer.json and tokenizer_config.json. Throws engine::Error that opens with `where`: a model
// or a `pre` that is not known here, lists that do not fit one another, tokens that are no UTF-8.
TokenizerFiles files_of_gguf(const GgufTokenizer& tokenizer, const std::string& where);

// What a GGUF file would say of a tokenizer; a vocabulary of `vocab` entries is filled up. Throws
// engine::Error for one that neither kind can be.
GgufTokenizer gguf_of_tokenizer(const Tokenizer& tokenizer, int64_t vocab);

// The ways in which words are cut that have a name in GGUF: normalizer, pre_tokenizer and
// ignore_merges of a tokenizer.json.
struct GgufKind {
  std::string pre;
  nlohmann::json normalizer, pre_tokenizer;
  bool ignore_merges = false;
  bool add_bos = false;  // where a file does not say
};
// Throws for names that are not known.
GgufKind gguf_kind(const std::string& pre, const std::string& where);
// The kind of a tokenizer.json. Throws if it has no name.
GgufKind gguf_kind_of(const nlohmann::json& document, const std::string& where);

}  // namespace data
