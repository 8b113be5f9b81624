// Counts the words of a text, for training a vocabulary: the whole corpus as one table of words and
// how often they occur.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace data {

using WordCounts =
    std::vector<std::pair<std::string, int64_t>>;  // most frequent first, ties by bytes

class WordCounter {
 public:
  // How a line is cut into words: calls its second argument for each word.
  using Split =
      std::function<void(std::string_view line, const std::function<void(std::string_view word)>&)>;

  // Words of more than kLongestWord bytes (base64, a page without spaces) are counted in pieces of
  // that length: learning merges takes time quadratic in the length of a word.
  static constexpr size_t kLongestWord = 1000;

  // Keeps about `most_words` different words: when twice as many have come together, those seen
  // once are dropped, then those seen twice, until few enough are left. A word that comes back
  // after it was dropped starts from nothing, so that counts of rare words are too low on a corpus
  // with more than `most_words` different words, and exact on a smaller one.
  explicit WordCounter(Split split, size_t most_words = 4'000'000);

  void add(std::string_view line);

  int64_t words() const { return words_; }  // that came
  size_t different() const { return counts_.size(); }
  int64_t dropped() const { return dropped_; }  // occurrences of the words that were dropped
  WordCounts counts() const;

 private:
  void count(std::string_view word);
  void prune();

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  Split split_;
  size_t most_words_;
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> counts_;
  int64_t words_ = 0, dropped_ = 0;
};

}  // namespace data
