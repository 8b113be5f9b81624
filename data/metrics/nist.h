// NIST (Doddington 2002) over a set, with up to five words an n-gram:
//
//   info(w1..wn) = log2(count of w1..w(n-1) / count of w1..wn)     counts over all references
//   score = sum over n of (info of the matched n-grams / n-grams of the hypotheses)
//           * exp(-b ln(min(1, L / R))^2),  b = ln 2 / ln(1.5)^2
//
// L: words of the hypotheses; R: words of the references, in the mean. Matches are clipped as in
// BLEU.
#pragma once

#include "data/metrics/corpus.h"

namespace data::metrics {

enum class NistStyle {
  mteval,    // mteval-v13a-sig.pl of e2e-metrics: R = words / (non-empty references / hypotheses)
  pymteval,  // measure_scores.py -p, which LoRA's README calls: R = sum over hypotheses of the mean
             // length of its references; an n-gram total may be below 0, as in BleuStyle::pymteval
};

double nist(const Sentences& sentences, NistStyle style);

}  // namespace data::metrics
