// Byte-pair merging, the common heart of learning a WordPiece or a BPE vocabulary (Hugging Face's
// BpeTrainer): join the most frequent pair of neighbours, again and again.
//
// Pairs are counted once; a merge then touches only the words that hold the pair. A queue gives the
// most frequent pair; an entry whose count is out of date is put back with the right one when it
// comes up.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace data {

struct MergeProblem {
  std::vector<std::string> symbols;         // the alphabet; the result's symbols begin with these
  std::vector<std::vector<int32_t>> words;  // as indices into symbols
  std::vector<int64_t> counts;              // (words)
  int32_t most_symbols = 0;                 // stop at this many
  int64_t min_frequency = 0;                // and at a pair that is rarer
  std::function<std::string(const std::string&, const std::string&)> join;  // text of a merged pair
  std::function<void(int32_t symbols)> progress;  // called now and then; may be empty
};

struct MergeResult {
  std::vector<std::string> symbols;                 // the alphabet, then what was merged, in order
  std::vector<std::pair<int32_t, int32_t>> merges;  // indices of the parts, in order
};

// Ties go to the pair with the smaller indices, as in Hugging Face's trainer, so that the result
// does not depend on the order of the words. A merge whose text exists already (by other parts)
// counts as a merge but adds no symbol.
MergeResult learn_merges(MergeProblem problem);

}  // namespace data
