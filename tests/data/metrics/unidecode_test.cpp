#include "data/metrics/unidecode.h"

#include <doctest/doctest.h>

#include "data/metrics/tokenize.h"
#include "tests/data/metrics/golden.h"

using namespace data::metrics;

TEST_CASE("letters in ASCII are unidecode's") {
  const engine::Json goldens = testing::text_metric_goldens();
  for (const auto& [text, ascii] : goldens.at("unidecode").items())
    CHECK_MESSAGE(unidecode(text) == ascii.get<std::string>(), text);
  CHECK(unidecode("Adolfo Su\u00E1rez Madrid\u2013Barajas") == "Adolfo Suarez Madrid-Barajas");
  CHECK(unidecode("e\u0301 \u221A\u65E5") == "e \u65E5");
}

TEST_CASE("words apart as Python's re.split does it") {
  CHECK(apart_words("It's 18L/36R, low-cost_x.") == "It ' s 18L / 36R , low - cost_x .");
  CHECK(apart_words("caf\u00E9\u2013bar e\u0301") == "caf\u00E9 \u2013 bar e \u0301");
  CHECK(apart_words("  ").empty());
}
