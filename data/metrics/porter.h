// Porter's stemmer (Porter 1980) with the extensions that NLTK makes by default and rouge_score so
// uses: twelve irregular words, -ies and -ied of short words, -y after a consonant, -alli, -fulli,
// -logi. (METEOR uses another one, Snowball's English.)
#pragma once

#include <string>
#include <string_view>

namespace data::metrics {

std::string porter_stem(std::string_view word);  // `word` in lower case

}  // namespace data::metrics
