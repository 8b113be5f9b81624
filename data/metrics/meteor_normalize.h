// METEOR 1.5's `-norm` for English: punctuation apart, one kind of quotation mark and dash, words
// joined by a dash taken apart, contractions cut ("it 's"), "U.S." without its dots, lower case.
#pragma once

#include <string_view>

#include "data/metrics/corpus.h"

namespace data::metrics {

Words meteor_words(std::string_view line);

}  // namespace data::metrics
