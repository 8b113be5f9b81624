// Penn Treebank tokens as Stanford CoreNLP 3.4.1's PTBTokenizer makes them, in lower case: the
// words of COCO's caption metrics, and so of the E2E challenge's METEOR, ROUGE-L and CIDEr.
//
// A set of lexical rules (ptb_rules.h): at each place the rule that matches most characters wins,
// of two the one that comes first. Followed for English text; where Stanford's lexer has rules for
// swear words, emoji or Asian smileys, those are left out.
#pragma once

#include <string>
#include <vector>

#include "data/metrics/corpus.h"

namespace data::metrics {

// The tokens of each line. Lines are read as one text with line breaks between them, as
// `-preserveLines -lowerCase` does it: an abbreviation at the end of a line looks at the next one.
std::vector<Words> ptb_tokenize(const std::vector<std::string>& lines);

// As COCO's wrapper: all hypotheses as one text, all references as another, and without the tokens
// '' ' `` ` . ? ! , : - -- ... ; (-lrb- and its like stay: the wrapper removes only their upper
// case, which lower-casing has made impossible.)
Sentences coco_tokenize(const Texts& texts);

}  // namespace data::metrics
