// Which rows of a table's gradient a backward wrote: one bit each. The other rows are zero in memory, so whoever reads the whole
// gradient reads right, and whoever looks here reads less: of a vocabulary of 30,522 words a batch of sentences has some hundreds.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace engine {

class WrittenRows {
 public:
  static constexpr int64_t kWord = 64;  // rows in a word: where loops over threads cut

  explicit WrittenRows(int64_t rows) : rows_(rows), words_(static_cast<size_t>((rows + kWord - 1) / kWord)) {}

  void add(int64_t row) { words_[static_cast<size_t>(row / kWord)] |= uint64_t{1} << (row % kWord); }
  void add_all() {
    std::fill(words_.begin(), words_.end(), ~uint64_t{0});
    if (rows_ % kWord) words_.back() = (uint64_t{1} << (rows_ % kWord)) - 1;
  }
  void clear() { std::fill(words_.begin(), words_.end(), uint64_t{0}); }

  bool has(int64_t row) const { return words_[static_cast<size_t>(row / kWord)] >> (row % kWord) & 1; }
  int64_t count() const {
    int64_t n = 0;
    for (const uint64_t word : words_) n += std::popcount(word);
    return n;
  }

  int64_t words() const { return static_cast<int64_t>(words_.size()); }
  uint64_t& word(int64_t i) { return words_[static_cast<size_t>(i)]; }
  uint64_t word(int64_t i) const { return words_[static_cast<size_t>(i)]; }
  // Of the rows in word i: [first_of(i), end_of(i)).
  int64_t first_of(int64_t i) const { return i * kWord; }
  int64_t end_of(int64_t i) const { return std::min(rows_, (i + 1) * kWord); }

 private:
  int64_t rows_;
  std::vector<uint64_t> words_;
};

}  // namespace engine
