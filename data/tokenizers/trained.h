// A vocabulary that was just trained, as the files of a Hugging Face folder: they load there, and
// here (data::Tokenizer), to the same tokenizer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/bert_normalizer.h"
#include "data/tokenizer_files.h"

namespace data {

// BERT's: vocab.txt, tokenizer.json, tokenizer_config.json, special_tokens_map.json. `tokens` in
// the order of ids; [UNK], [CLS] and [SEP] must be among them, [PAD] and [MASK] may.
TokenizerFiles wordpiece_files(const std::vector<std::string>& tokens,
                               const BertNormalizerOptions& normalizer = {});

using Merge = std::pair<std::string, std::string>;
// GPT-2's or RoBERTa's: vocab.json, merges.txt and the same JSON files. `merges` in the order of
// their rank. The special tokens are <|endoftext|>, or <s> <pad> </s> <unk> <mask>.
TokenizerFiles bpe_files(const std::vector<std::string>& tokens, const std::vector<Merge>& merges,
                         bool roberta, bool add_prefix_space);

}  // namespace data
