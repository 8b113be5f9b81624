// CIDEr-D (Vedantam et al. 2015, coco-caption's cider.py): TF-IDF vectors of n-grams, n = 1 to 4.
//
//   v[w]  = count(w) * (ln N - ln max(1, df(w)))        N: hypotheses; df: those of them with w in
//                                                       a reference
//   sim_n = sum over w of min(h[w], r[w]) r[w] / (|h| |r|) * exp(-(l_h - l_r)^2 / (2 * 6^2))
//   score = 10 * mean over n and over references of sim_n,  and the mean over hypotheses
//
// l is the number of bigrams, as cider.py counts it. Tokens: coco_tokenize. Above 1 it is no
// percentage: 10 is equality.
#pragma once

#include "data/metrics/corpus.h"

namespace data::metrics {

double cider(const Sentences& sentences);

}  // namespace data::metrics
