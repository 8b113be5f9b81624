#include "engine/train/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/base/error.h"
#include "tests/support/paths.h"

using engine::metric;
using Values = std::vector<double>;

TEST_CASE("metrics equal numpy's by other formulas") {
  const auto cases = nlohmann::json::parse(testing::read_file(testing::golden("metrics.json")));
  REQUIRE(cases.size() > 10);
  for (const auto& c : cases) {
    const auto predicted = c.at("predicted").get<Values>(), truth = c.at("truth").get<Values>();
    for (const auto& [name, value] : c.at("metrics").items()) {
      const auto& this_name = name;
      CAPTURE(this_name);
      CAPTURE(c.at("predicted").dump());
      CHECK(metric(name, predicted, truth) == doctest::Approx(value.get<double>()).epsilon(1e-9));
    }
  }
}

TEST_CASE("metrics of a table worked by hand") {
  // predicted 1 1 1 0 0 0 0 0, true 1 1 0 1 0 0 0 0: TP 2, FP 1, FN 1, TN 4.
  const Values predicted = {1, 1, 1, 0, 0, 0, 0, 0}, truth = {1, 1, 0, 1, 0, 0, 0, 0};
  CHECK(engine::accuracy(predicted, truth) == 6.0 / 8);
  CHECK(engine::f1(predicted, truth) == doctest::Approx(4.0 / 6));  // 2 TP / (2 TP + FP + FN)
  CHECK(engine::matthews(predicted, truth) ==
        doctest::Approx((2 * 4 - 1 * 1) / std::sqrt(3.0 * 3 * 5 * 5)));
}

TEST_CASE("0/0 is 0: constant predictions have no correlation") {
  const Values ones = {1, 1, 1, 1}, zeros = {0, 0, 0, 0}, mixed = {0, 1, 1, 0};
  CHECK(engine::matthews(ones, mixed) == 0);
  CHECK(engine::matthews(mixed, zeros) == 0);
  CHECK(engine::pearson(ones, mixed) == 0);
  CHECK(engine::spearman(mixed, ones) == 0);
  CHECK(engine::f1(zeros, zeros) == 0);
  const Values tenths(10, 0.1), rising = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(engine::pearson(tenths, rising) == 0);  // the mean of ten times 0.1 is not 0.1 in binary
}

TEST_CASE("Spearman sees order only, and shares ranks among equal values") {
  const Values x = {1, 2, 3, 4}, cubed = {1, 8, 27, 64};
  CHECK(engine::spearman(x, cubed) == doctest::Approx(1));
  CHECK(engine::pearson(x, cubed) < 1);
  // ranks 1.5 1.5 3 against 1 2 3: deviations -.5 -.5 1 and -1 0 1, so 1.5 / sqrt(1.5 * 2)
  CHECK(engine::spearman(Values{1, 1, 2}, Values{1, 2, 3}) ==
        doctest::Approx(1.5 / std::sqrt(3.0)));
}

TEST_CASE("Metrics refuse what has no answer") {
  const Values two = {0, 1}, three = {0, 1, 1}, none;
  CHECK_THROWS_WITH_AS(engine::accuracy(two, three), "accuracy: 2 predictions for 3 examples",
                       engine::Error);
  CHECK_THROWS_AS(engine::f1(none, none), engine::Error);
  CHECK_THROWS_AS(engine::pearson(Values{0, std::numeric_limits<double>::quiet_NaN()}, two),
                  engine::Error);
  CHECK_THROWS_WITH_AS(metric("bleu", two, two),
                       "metric: there is no metric 'bleu'\nhint: the metrics are: accuracy, f1, "
                       "matthews, pearson, spearman",
                       engine::Error);
}
