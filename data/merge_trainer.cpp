#include "data/merge_trainer.h"

#include <queue>
#include <tuple>
#include <unordered_map>

namespace data {
namespace {

using Word = std::vector<int32_t>;

uint64_t key(int32_t a, int32_t b) { return uint64_t(uint32_t(a)) << 32 | uint32_t(b); }

struct Candidate {
  int64_t count;
  uint64_t pair;
  bool operator<(const Candidate& other) const {
    return std::tie(count, other.pair) <
           std::tie(other.count, pair);  // more frequent first, then smaller indices
  }
};

// How often a pair occurs, and the words that hold it or once did.
struct Occurrence {
  int64_t count = 0;
  std::vector<int32_t> words;
};

class Merger {
 public:
  explicit Merger(MergeProblem problem) : p_(std::move(problem)) {
    for (size_t i = 0; i < p_.symbols.size(); ++i)
      ids_.emplace(p_.symbols[i], static_cast<int32_t>(i));
    for (size_t w = 0; w < p_.words.size(); ++w)
      for (size_t i = 0; i + 1 < p_.words[w].size(); ++i)
        change(key(p_.words[w][i], p_.words[w][i + 1]), p_.counts[w], static_cast<int32_t>(w));
    touched_.clear();
    for (const auto& [pair, occurrence] : pairs_) queue_.push({occurrence.count, pair});
  }

  MergeResult run() {
    MergeResult result;
    while (static_cast<int32_t>(p_.symbols.size()) < p_.most_symbols && !queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(top.pair);
      if (found == pairs_.end()) continue;
      const int64_t count = found->second.count;
      if (count != top.count) {
        if (count > 0 && count < top.count)
          queue_.push({count, top.pair});  // a higher count was queued when it rose
        continue;
      }
      if (count < 1 || count < p_.min_frequency) break;
      const auto a = static_cast<int32_t>(top.pair >> 32),
                 b = static_cast<int32_t>(top.pair & 0xFFFFFFFFu);
      result.merges.emplace_back(a, b);
      merge(a, b, symbol(a, b));
      if (p_.progress && result.merges.size() % 1000 == 0)
        p_.progress(static_cast<int32_t>(p_.symbols.size()));
    }
    result.symbols = std::move(p_.symbols);
    return result;
  }

 private:
  int32_t symbol(int32_t a, int32_t b) {
    std::string text =
        p_.join(p_.symbols[static_cast<size_t>(a)], p_.symbols[static_cast<size_t>(b)]);
    const auto [entry, is_new] = ids_.try_emplace(text, static_cast<int32_t>(p_.symbols.size()));
    if (is_new) p_.symbols.push_back(std::move(text));
    return entry->second;
  }

  void change(uint64_t pair, int64_t by, int32_t word) {
    Occurrence& occurrence = pairs_[pair];
    occurrence.count += by;
    if (by <= 0) return;
    if (occurrence.words.empty() || occurrence.words.back() != word)
      occurrence.words.push_back(word);
    touched_.push_back(pair);
  }

  void merge(int32_t a, int32_t b, int32_t joined) {
    const std::vector<int32_t> words = std::move(pairs_[key(a, b)].words);
    touched_.clear();
    for (const int32_t w : words) merge_in(w, a, b, joined);
    pairs_.erase(key(a, b));
    for (const uint64_t pair : touched_)
      if (const auto found = pairs_.find(pair); found != pairs_.end())
        queue_.push({found->second.count, pair});
  }

  // Every a b of a word, from the left, becomes one symbol; the pairs with the neighbours on both
  // sides change.
  void merge_in(int32_t w, int32_t a, int32_t b, int32_t joined) {
    Word& word = p_.words[static_cast<size_t>(w)];
    const int64_t count = p_.counts[static_cast<size_t>(w)];
    size_t kept = 0;  // word[0, kept) is the new word, word[i, ...) the rest of the old one
    for (size_t i = 0; i < word.size(); ++i) {
      if (i + 1 >= word.size() || word[i] != a || word[i + 1] != b) {
        word[kept++] = word[i];
        continue;
      }
      if (kept > 0) {
        change(key(word[kept - 1], a), -count, w);
        change(key(word[kept - 1], joined), count, w);
      }
      if (i + 2 < word.size()) {
        change(key(b, word[i + 2]), -count, w);
        change(key(joined, word[i + 2]), count, w);
      }
      word[kept++] = joined;
      ++i;  // b is part of it
    }
    word.resize(kept);
  }

  MergeProblem p_;
  std::unordered_map<std::string, int32_t> ids_;
  std::unordered_map<uint64_t, Occurrence> pairs_;
  std::priority_queue<Candidate> queue_;
  std::vector<uint64_t> touched_;  // pairs whose count rose in this merge
};

}  // namespace

MergeResult learn_merges(MergeProblem problem) { return Merger(std::move(problem)).run(); }

}  // namespace data
