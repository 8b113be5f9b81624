// Words as numbers, and n-grams of them with their counts.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/metrics/corpus.h"

namespace data::metrics {

using Ids = std::vector<int32_t>;

// Numbers words from 0 in the order in which they come.
class WordIds {
 public:
  int32_t operator()(const std::string& word) {
    return ids_.try_emplace(word, static_cast<int32_t>(ids_.size())).first->second;
  }
  Ids operator()(const Words& words);

 private:
  std::unordered_map<std::string, int32_t> ids_;
};

struct IdSentences {
  std::vector<Ids> hypotheses;
  std::vector<std::vector<Ids>> references;
  WordIds ids;
};
IdSentences to_ids(const Sentences& sentences);

constexpr int kLongestNgram = 5;

struct Ngram {
  std::array<int32_t, kLongestNgram> words = {-1, -1, -1, -1, -1};  // -1 behind the last word
  bool operator==(const Ngram&) const = default;
};
struct NgramHash {
  size_t operator()(const Ngram& ngram) const;
};
using NgramCounts = std::unordered_map<Ngram, int32_t, NgramHash>;

// The n-grams of exactly n words, n <= kLongestNgram.
NgramCounts count_ngrams(std::span<const int32_t> words, int n);
// Calls visit(ngram) for each of them, in order.
template <class Visit>
void each_ngram(std::span<const int32_t> words, int n, const Visit& visit) {
  for (size_t begin = 0; begin + static_cast<size_t>(n) <= words.size(); ++begin) {
    Ngram ngram;
    for (int k = 0; k < n; ++k) ngram.words[k] = words[begin + k];
    visit(ngram);
  }
}
// By n-gram, the most often that it comes in one of the references.
NgramCounts largest_counts(const std::vector<Ids>& references, int n);

}  // namespace data::metrics
