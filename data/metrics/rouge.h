// ROUGE (Lin 2004) as coco-caption and as Google's rouge_score define it.
//
// COCO's ROUGE-L, of coco_tokenize's tokens: with P and R the largest precision and the largest
// recall of the longest common subsequence over the references, each by itself,
//   F = (1 + b^2) P R / (R + b^2 P),  b = 1.2;  the mean over hypotheses.
//
// Google's: tokens [a-z0-9]+ of the lower-cased text, if `stem` with Porter's stems of words longer
// than 3; F = 2 P R / (P + R). Of several references the one with the largest F counts. The mean
// over hypotheses; the package's command prints the middle of a bootstrap, which varies around it.
#pragma once

#include "data/metrics/corpus.h"

namespace data::metrics {

double rouge_l_coco(const Sentences& sentences);

enum class RougeKind {
  rouge1,
  rouge2,
  rougeL,     // of the whole text
  rougeLsum,  // by sentences, one a line: hits of the union of subsequences
};

struct Rouge {
  double precision = 0, recall = 0, f = 0;
};

Rouge rouge_google(const Texts& texts, RougeKind kind, bool stem);

}  // namespace data::metrics
