#include "data/metrics/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "data/metrics/ngrams.h"
#include "engine/base/error.h"

namespace data::metrics {
namespace {

constexpr int kOrders = 4;

// Words of the reference that is nearest in length, of two equally near the shorter.
int64_t nearest_length(int64_t hypothesis, const std::vector<Ids>& references, bool skip_empty) {
  int64_t nearest = references.empty() ? 0 : static_cast<int64_t>(references[0].size());
  for (const Ids& reference : references) {
    const int64_t length = static_cast<int64_t>(reference.size());
    if (skip_empty && length == 0) continue;
    const int64_t far = std::llabs(hypothesis - length), best = std::llabs(hypothesis - nearest);
    if (far < best || (far == best && length < nearest)) nearest = length;
  }
  return nearest;
}

void smooth(Bleu& b, BleuStyle style) {
  double halves = 1;
  for (int n = 0; n < kOrders; ++n) {
    const double matches = static_cast<double>(b.matches[n]);
    const double total = static_cast<double>(b.totals[n]);
    switch (style) {
      case BleuStyle::pymteval:
        b.precisions[n] = std::max(matches, 1e-15) / std::max(total, 1e-9);
        break;
      case BleuStyle::multi_bleu:
        b.precisions[n] = total > 0 ? matches / total : 0;
        break;
      default:
        if (total <= 0) {
          b.precisions[n] = style == BleuStyle::mteval ? 1 : 0;
        } else if (matches == 0) {
          b.precisions[n] = 1 / ((halves *= 2) * total);
        } else {
          b.precisions[n] = matches / total;
        }
    }
  }
}

double brevity_penalty(const Bleu& b, BleuStyle style) {
  const double h = static_cast<double>(b.hypothesis_words);
  const double r = static_cast<double>(b.reference_words);
  if (h == 0) return style == BleuStyle::pymteval ? std::exp(1 - r / 1e-5) : 0;
  return h < r ? std::exp(1 - r / h) : 1;
}

}  // namespace

Bleu bleu(const Sentences& sentences, BleuStyle style) {
  engine::check(!sentences.hypotheses.empty(), "bleu", "there is no hypothesis to score");
  const IdSentences ids = to_ids(sentences);
  Bleu b;
  for (size_t i = 0; i < ids.hypotheses.size(); ++i) {
    const Ids& hypothesis = ids.hypotheses[i];
    const int64_t length = static_cast<int64_t>(hypothesis.size());
    b.hypothesis_words += length;
    b.reference_words += nearest_length(length, ids.references[i], style == BleuStyle::mteval);
    for (int n = 1; n <= kOrders; ++n) {
      const int64_t total = length - n + 1;
      b.totals[n - 1] += style == BleuStyle::pymteval ? total : std::max<int64_t>(total, 0);
      const NgramCounts most = largest_counts(ids.references[i], n);
      for (const auto& [ngram, count] : count_ngrams(hypothesis, n)) {
        const auto found = most.find(ngram);
        if (found != most.end()) b.matches[n - 1] += std::min(count, found->second);
      }
    }
  }
  smooth(b, style);
  b.brevity = brevity_penalty(b, style);
  const bool nothing =
      std::all_of(b.matches.begin(), b.matches.end(), [](int64_t m) { return !m; });
  if (style == BleuStyle::sacrebleu && nothing) return b;
  double logs = 0;
  for (const double p : b.precisions) logs += std::log(p);  // log 0 = -inf, and exp of it is 0
  b.score = b.brevity * std::exp(logs / kOrders);
  return b;
}

std::string sacrebleu_signature(const Sentences& sentences, bool lower) {
  size_t least = static_cast<size_t>(-1), most = 0;
  for (const auto& references : sentences.references) {
    least = std::min(least, references.size());
    most = std::max(most, references.size());
  }
  return engine::concat("nrefs:", least == most ? std::to_string(most) : "var",
                        "|case:", lower ? "lc" : "mixed",
                        "|eff:no|tok:13a|smooth:exp|version:2.6.0");
}

}  // namespace data::metrics
