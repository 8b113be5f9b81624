// Text in ASCII as Python's unidecode writes it, for the WebNLG challenge's script: accents go,
// "ß" is "ss", a dash "-", "£" "PS".
//
// Of Latin, Greek and Cyrillic letters and general punctuation; other symbols are dropped, as
// there. Letters of other scripts stay (unidecode romanizes them): both sides of a comparison keep
// them.
#pragma once

#include <string>
#include <string_view>

namespace data::metrics {

std::string unidecode(std::string_view text);

}  // namespace data::metrics
