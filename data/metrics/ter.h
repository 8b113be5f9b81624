// Translation edit rate (Snover et al. 2006): insertions, deletions, substitutions and shifts of
// blocks that turn a hypothesis into a reference, over the words of the reference. Shifts are found
// greedily, and two programs differ in how, and in what they average:
//
//   tercom 0.7.25  fewest edits of the references over their mean length; sums over the set. A
//                  block has at most 10 words and moves at most 50; the alignment has a beam of 20.
//   pyter          edits over the length of the same reference, the smallest of the references;
//                  the mean over hypotheses (GenerationEval's "TER", which LoRA's README calls).
//
// No reference, or only empty ones: 1 for an edited sentence.
#pragma once

#include "data/metrics/corpus.h"

namespace data::metrics {

// tercom's words without its option -N: lower case, cut at white space.
Words tokenize_tercom(std::string_view line);

struct Ter {
  double score = 0;  // edits / reference_words; above 1 is possible
  double edits = 0;
  double reference_words = 0;
};

// An empty reference is a reference of no words; drop_empty() removes those of the padded files.
Ter ter_tercom(const Sentences& sentences);
double ter_pyter(const Sentences& sentences);

}  // namespace data::metrics
