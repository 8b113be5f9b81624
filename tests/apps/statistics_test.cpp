// The goldens are scipy's (tools/goldens/statistics.py).
#include "apps/compare/statistics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/io/json.h"
#include "engine/train/metrics.h"
#include "tests/support/paths.h"

using namespace apps;
using doctest::Approx;
using engine::Json;

TEST_CASE("statistics: means, intervals, paired differences and correlations are scipy's") {
  const Json golden = engine::json_file(testing::golden("statistics.json"));
  REQUIRE(golden["samples"].size() >= 8);
  for (const Json& sample : golden["samples"]) {
    const auto a = sample["a"].get<std::vector<double>>(),
               b = sample["b"].get<std::vector<double>>();
    const double confidence = sample["confidence"];
    const Statistic s = statistic(a);
    CHECK(s.count == static_cast<int>(a.size()));
    CHECK(s.mean == Approx(sample["mean"].get<double>()).epsilon(1e-12));
    CHECK(s.deviation == Approx(sample["deviation"].get<double>()).epsilon(1e-12));
    const double half = half_interval(s, confidence);
    CHECK(s.mean - half == Approx(sample["low"].get<double>()).epsilon(1e-11));
    CHECK(s.mean + half == Approx(sample["high"].get<double>()).epsilon(1e-11));
    const PairedDifference d = paired_difference(a, b, confidence);
    CHECK(d.difference.mean == Approx(sample["difference"].get<double>()).epsilon(1e-10));
    CHECK(d.half == Approx(sample["difference_half"].get<double>()).epsilon(1e-10));
    CHECK(d.p == Approx(sample["p"].get<double>()).epsilon(1e-9));
    CHECK(d.separated() == (sample["p"].get<double>() < 1 - confidence));
    CHECK(engine::pearson(a, b) == Approx(sample["pearson"].get<double>()).epsilon(1e-10));
    CHECK(engine::spearman(a, b) == Approx(sample["spearman"].get<double>()).epsilon(1e-10));
  }
}

TEST_CASE("statistics: Student's t is scipy's") {
  const Json golden = engine::json_file(testing::golden("statistics.json"));
  for (const Json& q : golden["quantiles"])
    CHECK(t_quantile(q["confidence"], q["freedom"]) == Approx(q["t"].get<double>()).epsilon(1e-10));
  for (const Json& tail : golden["tails"])
    CHECK(std::abs(t_two_sided(tail["t"], tail["freedom"]) - tail["p"].get<double>()) < 1e-14);
  CHECK_THROWS_AS(t_quantile(0.95, 0), engine::Error);
  CHECK_THROWS_AS(t_quantile(1, 3), engine::Error);
}

TEST_CASE("statistics: one value has no error, and equal samples do not differ") {
  CHECK(!statistic({}));
  CHECK(statistic({0.5}).deviation == 0);
  CHECK(std::isinf(half_interval(statistic({0.5}))));
  const std::vector<double> one = {0.9}, other = {0.1}, a = {0.5, 0.6}, b = {0.4, 0.5};
  CHECK_FALSE(paired_difference(one, other).separated());
  CHECK(paired_difference(one, other).p == 1);
  CHECK_FALSE(paired_difference(a, a).separated());
  CHECK_THROWS_AS(paired_difference(a, one), engine::Error);
}
