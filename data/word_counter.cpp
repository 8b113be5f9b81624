#include "data/word_counter.h"

#include <algorithm>

namespace data {

WordCounter::WordCounter(Split split, size_t most_words)
    : split_(std::move(split)), most_words_(most_words) {}

void WordCounter::add(std::string_view line) {
  split_(line, [this](std::string_view word) {
    while (word.size() > kLongestWord) {
      size_t end = kLongestWord;  // not inside a character
      while (end > 1 && (static_cast<unsigned char>(word[end]) & 0xC0) == 0x80) --end;
      count(word.substr(0, end));
      word.remove_prefix(end);
    }
    count(word);
  });
  if (counts_.size() > 2 * most_words_) prune();
}

void WordCounter::count(std::string_view word) {
  ++words_;
  if (const auto found = counts_.find(word); found != counts_.end()) {
    ++found->second;
  } else {
    counts_.emplace(word, 1);
  }
}

void WordCounter::prune() {
  for (int64_t rare = 1; counts_.size() > most_words_; ++rare)
    std::erase_if(counts_, [&](const auto& entry) {
      if (entry.second > rare) return false;
      dropped_ += entry.second;
      return true;
    });
}

WordCounts WordCounter::counts() const {
  WordCounts sorted(counts_.begin(), counts_.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return sorted;
}

}  // namespace data
