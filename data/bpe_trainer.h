// Learns a byte-level BPE vocabulary from word counts, as Hugging Face's
// ByteLevelBPETokenizer.train does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "data/word_counter.h"

namespace data {

struct BpeTraining {
  int32_t vocab_size = 50257;
  int64_t min_frequency = 2;  // a pair that occurs less often is not merged
  bool roberta = false;  // special tokens <s> <pad> </s> <unk> <mask> and RoBERTa's template; else
                         // <|endoftext|>
  bool add_prefix_space = false;
  std::function<void(int32_t tokens)> progress;  // called now and then; may be empty
};

// Counts the words that GPT-2's pattern makes, the space before a word belonging to it. A line's
// end is not a character.
WordCounter gpt2_word_counter(bool add_prefix_space);

// Ids: special tokens, the 256 bytes by the code point of their character, merged pieces in the
// order of merging. The same counts give the same tokenizer. Throws engine::Error if there are no
// words, or if vocab_size has no room for the bytes.
std::unique_ptr<Tokenizer> train_bpe(const WordCounts& counts, const BpeTraining& training);

}  // namespace data
