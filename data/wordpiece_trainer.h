// Learns a WordPiece vocabulary from word counts, as Hugging Face's BertWordPieceTrainer does
// (which merges the most frequent pair, like BPE, and not the pair with the best likelihood ratio
// of the original, unpublished trainer).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/bert_normalizer.h"
#include "data/tokenizer.h"
#include "data/word_counter.h"

namespace data {

struct WordPieceTraining {
  int32_t vocab_size = 30522;
  int64_t min_frequency = 2;  // a pair that occurs less often is not merged
  int32_t limit_alphabet =
      1000;  // characters kept, the most frequent ones; a word loses the others
  std::vector<std::string> special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  std::string continuation = "##";
  std::function<void(int32_t tokens)> progress;  // called now and then; may be empty
};

// Counts the words that BERT's normaliser and pre-tokenizer make.
WordCounter bert_word_counter(const BertNormalizerOptions& options);

// The vocabulary in the order of ids: special tokens, alphabet by code point, its continuations,
// merged pieces in the order of merging. The same counts give the same vocabulary. Throws
// engine::Error if there are no words, or if vocab_size has no room for special tokens and
// alphabet.
std::vector<std::string> train_wordpiece(const WordCounts& counts,
                                         const WordPieceTraining& training);

// A tokenizer of a trained vocabulary; save() writes the files that Hugging Face reads.
std::unique_ptr<Tokenizer> trained_wordpiece(const std::vector<std::string>& vocabulary,
                                             const BertNormalizerOptions& options = {});

}  // namespace data
