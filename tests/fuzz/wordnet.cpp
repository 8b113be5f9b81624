// WordNet's files: the index of a part of speech, a zero byte, a list of exceptions.
#include "data/metrics/wordnet.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [index, exceptions] = fuzz::halves(input);
  for (const char* part : {"noun", "verb", "adj", "adv"}) {
    fuzz::folder().write(std::string("index.") + part, index);
    fuzz::folder().write(std::string(part) + ".exc", exceptions);
  }
  const data::metrics::WordNet words(fuzz::folder().path());
  for (const char* word : {"dogs", "went", "better", ""}) words.synonym_sets(word);
}
