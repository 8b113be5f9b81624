// METEOR 1.5 (Denkowski and Lavie 2014) for English, task "rank", without its table of paraphrases
// (60 MB, not in this project): a score of it is to be called "METEOR without paraphrases".
//
// Words match if they are equal (weight 1), have one Snowball stem (0.6), or share a synonym set of
// WordNet (0.8). Of the alignments the one with most exact matches is taken, then the one with
// fewest chunks (matches that are neighbours on both sides), then with the smallest sum of
// distances, by a beam of 40. With a function word counting 0.25 and another one 0.75,
//
//   P, R  = weighted matches / weighted words of the hypothesis, of the reference
//   F     = P R / (0.85 P + 0.15 R)
//   score = F (1 - 0.6 (chunks / matches)^0.2)
//
// Of several references the best counts; a set's score is that of the summed counts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/metrics/corpus.h"
#include "data/metrics/wordnet.h"

namespace data::metrics {

struct Meteor {
  double score = 0;
  std::vector<double> segments;  // [i]: score of hypothesis i
  std::string modules;           // "exact, stem, synonym; without paraphrases"
};

// `sentences` of meteor_words(); `wordnet` may be null: then without synonyms, and `modules` says
// so.
Meteor meteor(const Sentences& sentences, const WordNet* wordnet);

// COCO's words through METEOR's own normalization, as the E2E script passes them on.
Sentences meteor_words_of(const Sentences& coco);

}  // namespace data::metrics
