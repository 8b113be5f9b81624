#include "data/wordpiece_trainer.h"

#include <algorithm>
#include <map>

#include "data/merge_trainer.h"
#include "data/tokenizers/trained.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

std::u32string code_points(std::string_view text) {
  std::u32string points;
  for (size_t at = 0; at < text.size();) points += next_code_point(text, at);
  return points;
}

// The most frequent characters, in the order of code points. Of equally frequent ones the smaller
// code point stays.
std::vector<char32_t> alphabet(const WordCounts& words, int32_t limit) {
  std::map<char32_t, int64_t> seen;
  for (const auto& [word, count] : words)
    for (const char32_t c : code_points(word)) seen[c] += count;
  std::vector<std::pair<char32_t, int64_t>> kept(seen.begin(), seen.end());
  if (kept.size() > static_cast<size_t>(limit)) {
    std::stable_sort(kept.begin(), kept.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    kept.resize(static_cast<size_t>(limit));
  }
  std::vector<char32_t> characters;
  for (const auto& [c, count] : kept) characters.push_back(c);
  std::sort(characters.begin(), characters.end());
  return characters;
}

}  // namespace

WordCounter bert_word_counter(const BertNormalizerOptions& options) {
  return WordCounter(
      [options, normal = std::string(), words = std::vector<WordRange>()](
          std::string_view line, const std::function<void(std::string_view)>& word) mutable {
        normal.clear();
        words.clear();
        if (is_utf8(line)) {
          bert_normalize(line, options, normal);
        } else {
          bert_normalize(to_utf8(line), options, normal);
        }
        bert_split(normal, words);
        for (const WordRange& w : words)
          word(std::string_view(normal).substr(w.begin, w.end - w.begin));
      });
}

std::vector<std::string> train_wordpiece(const WordCounts& counts,
                                         const WordPieceTraining& training) {
  engine::check(!counts.empty(), "wordpiece trainer", "there are no words");
  MergeProblem problem;
  std::map<std::string, int32_t> ids;
  const auto id = [&](const std::string& symbol) {
    const auto [entry, is_new] =
        ids.try_emplace(symbol, static_cast<int32_t>(problem.symbols.size()));
    if (is_new) problem.symbols.push_back(symbol);
    return entry->second;
  };
  for (const std::string& token : training.special) id(token);
  std::map<char32_t, std::pair<int32_t, int32_t>>
      characters;  // ids of a character at a word's beginning and inside
  for (const char32_t c : alphabet(counts, training.limit_alphabet)) {
    std::string text;
    append_utf8(c, text);
    characters[c] = {id(text), -1};
  }
  // Only characters that stand inside a word have a continuation: most scripts' punctuation needs
  // none.
  std::vector<std::u32string> words;
  for (const auto& [word, count] : counts) {
    words.push_back(code_points(word));
    std::erase_if(words.back(), [&](char32_t c) { return !characters.contains(c); });
    for (size_t i = 1; i < words.back().size(); ++i) characters[words.back()[i]].second = 0;
  }
  for (auto& [c, pair] : characters)
    if (pair.second == 0)
      pair.second = id(training.continuation + problem.symbols[static_cast<size_t>(pair.first)]);
  const auto needed = static_cast<int32_t>(problem.symbols.size());
  engine::check(needed <= training.vocab_size, "wordpiece trainer", "a vocabulary of ",
                training.vocab_size, " has no room for ", needed, " special tokens and characters",
                engine::hint("ask for a larger vocabulary or a smaller alphabet"));
  for (size_t w = 0; w < words.size(); ++w) {
    std::vector<int32_t> symbols;
    for (size_t i = 0; i < words[w].size(); ++i)
      symbols.push_back(i == 0 ? characters[words[w][i]].first : characters[words[w][i]].second);
    if (symbols.size() < 2) continue;
    problem.words.push_back(std::move(symbols));
    problem.counts.push_back(counts[w].second);
  }
  problem.most_symbols = training.vocab_size;
  problem.min_frequency = training.min_frequency;
  problem.progress = training.progress;
  problem.join = [prefix = training.continuation](const std::string& a, const std::string& b) {
    return a + b.substr(b.starts_with(prefix) ? prefix.size() : 0);
  };
  return learn_merges(std::move(problem)).symbols;
}

std::unique_ptr<Tokenizer> trained_wordpiece(const std::vector<std::string>& tokens,
                                             const BertNormalizerOptions& options) {
  return std::make_unique<Tokenizer>(wordpiece_files(tokens, options));
}

}  // namespace data
