// BLEU (Papineni et al. 2002) over a set, with up to four words an n-gram:
//
//   p[n]  = clipped matches of n-grams / n-grams of the hypotheses
//   score = exp(min(0, 1 - r / h)) * (p[1] p[2] p[3] p[4])^(1/4)
//
// h: words of all hypotheses; r: words of the references, for each hypothesis the one that is
// nearest in length, of two the shorter. An n-gram's matches are clipped at the most often that it
// comes in one reference. The scripts differ in words (data/metrics/tokenize.h), in what an empty
// reference is, and in what is done about p[n] = 0.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "data/metrics/corpus.h"

namespace data::metrics {

enum class BleuStyle {
  mteval,      // mteval-v13a.pl: the k-th order without a match counts 1 / 2^k of one; an empty
               // reference is a missing one
  pymteval,    // measure_scores.py -p: 1e-15 matches; an n-gram total may be below 0, when a
               // hypothesis has fewer than n - 1 words
  multi_bleu,  // multi-bleu.perl: 0; an empty reference is one of no words
  sacrebleu,   // sacrebleu 2: smoothing "exp", as mteval; an empty reference is one of no words
};

struct Bleu {
  double score = 0;                       // in [0, 1]; papers print 100 times it
  std::array<double, 4> precisions = {};  // in [0, 1], smoothed as the style has it
  std::array<int64_t, 4> matches = {}, totals = {};
  double brevity = 0;  // exp(min(0, 1 - r / h))
  int64_t hypothesis_words = 0, reference_words = 0;
};

Bleu bleu(const Sentences& sentences, BleuStyle style);

// What sacrebleu prints for tokens of tokenize_13a:
// "nrefs:3|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0", "nrefs:var" if their number varies.
std::string sacrebleu_signature(const Sentences& sentences, bool lower = false);

}  // namespace data::metrics
