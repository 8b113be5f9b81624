#include "data/metrics/ngrams.h"

#include <algorithm>

namespace data::metrics {

Ids WordIds::operator()(const Words& words) {
  Ids ids;
  ids.reserve(words.size());
  for (const std::string& word : words) ids.push_back((*this)(word));
  return ids;
}

IdSentences to_ids(const Sentences& sentences) {
  IdSentences result;
  WordIds& ids = result.ids;
  result.references.resize(sentences.references.size());
  for (const Words& words : sentences.hypotheses) result.hypotheses.push_back(ids(words));
  for (size_t i = 0; i < sentences.references.size(); ++i)
    for (const Words& words : sentences.references[i]) result.references[i].push_back(ids(words));
  return result;
}

size_t NgramHash::operator()(const Ngram& ngram) const {
  uint64_t hash = 0;
  for (const int32_t word : ngram.words) {
    hash = (hash ^ static_cast<uint32_t>(word)) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 29;
  }
  return static_cast<size_t>(hash);
}

NgramCounts count_ngrams(std::span<const int32_t> words, int n) {
  NgramCounts counts;
  each_ngram(words, n, [&](const Ngram& ngram) { ++counts[ngram]; });
  return counts;
}

NgramCounts largest_counts(const std::vector<Ids>& references, int n) {
  NgramCounts largest;
  for (const Ids& reference : references)
    for (const auto& [ngram, count] : count_ngrams(reference, n)) {
      int32_t& most = largest[ngram];
      most = std::max(most, count);
    }
  return largest;
}

}  // namespace data::metrics
