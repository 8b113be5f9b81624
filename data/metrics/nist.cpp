#include "data/metrics/nist.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "data/metrics/ngrams.h"
#include "engine/base/error.h"

namespace data::metrics {
namespace {

constexpr int kNistOrders = 5;

Ngram without_last(Ngram ngram, int n) {
  ngram.words[n - 1] = -1;
  return ngram;
}

double length_penalty(double ratio) {
  if (ratio >= 1) return 1;
  if (ratio <= 0) return 0;
  const double beta = std::log(2.0) / (std::log(1.5) * std::log(1.5));
  return std::exp(-beta * std::log(ratio) * std::log(ratio));
}

}  // namespace

double nist(const Sentences& sentences, NistStyle style) {
  engine::check(!sentences.hypotheses.empty(), "nist", "there is no hypothesis to score");
  IdSentences ids = to_ids(sentences);
  std::array<NgramCounts, kNistOrders + 1> counts;
  double words = 0, mean_lengths = 0, references = 0;
  for (size_t i = 0; i < ids.references.size(); ++i) {
    double own = 0;
    for (const Ids& reference : ids.references[i]) {
      own += static_cast<double>(reference.size());
      references += !reference.empty();
      for (int n = 1; n <= kNistOrders; ++n)
        each_ngram(reference, n, [&](const Ngram& ngram) { ++counts[n][ngram]; });
    }
    words += own;
    mean_lengths += own / static_cast<double>(ids.references[i].size());
  }
  // Perl takes the prefix "0" for false, so the information of "0 w" is that of a single word.
  Ngram zero;
  zero.words[0] = ids.ids("0");
  const auto info = [&](const Ngram& ngram, int n) {
    const Ngram prefix = without_last(ngram, n);
    const bool single = n == 1 || (style == NistStyle::mteval && n == 2 && prefix == zero);
    const double before = single ? words : counts[n - 1].at(prefix);
    return std::log2(before / counts[n].at(ngram));
  };
  double hypothesis_words = 0, sum = 0;
  for (int n = 1; n <= kNistOrders; ++n) {
    double information = 0, total = 0;
    for (size_t i = 0; i < ids.hypotheses.size(); ++i) {
      const Ids& hypothesis = ids.hypotheses[i];
      const double ngrams = static_cast<double>(hypothesis.size()) - n + 1;
      total += style == NistStyle::pymteval ? ngrams : std::max(ngrams, 0.0);
      if (n == 1) hypothesis_words += static_cast<double>(hypothesis.size());
      const NgramCounts most = largest_counts(ids.references[i], n);
      for (const auto& [ngram, count] : count_ngrams(hypothesis, n)) {
        const auto found = most.find(ngram);
        if (found != most.end()) information += info(ngram, n) * std::min(count, found->second);
      }
    }
    if (style == NistStyle::mteval) total = std::max(total, 1.0);
    if (total != 0) sum += information / total;
  }
  if (references == 0) return 0;
  const double mean = style == NistStyle::pymteval
                          ? mean_lengths
                          : words / (references / static_cast<double>(ids.hypotheses.size()));
  return sum * length_penalty(hypothesis_words / mean);
}

}  // namespace data::metrics
