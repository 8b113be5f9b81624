// Folders without tokenizer.json: what their files would be in it, as Hugging Face's own converters
// write it.
#pragma once

#include <nlohmann/json.hpp>

#include "data/tokenizer_files.h"

namespace data {

// vocab.txt: a token a line, the id is the line's number.
nlohmann::json bert_document(const TokenizerFiles& files);
// vocab.json and merges.txt. `kind` is "GPT2", "Roberta" or "Qwen2".
nlohmann::json bpe_document(const TokenizerFiles& files, const std::string& kind);

}  // namespace data
