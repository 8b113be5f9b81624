#include "engine/optim/schedule.h"

#include "tests/engine/optim/block.h"

using namespace engine;
using namespace testing;

TEST_CASE("schedules follow transformers' formulas") {
  int cases = 0;
  for (const auto& one : golden_json("schedules.json")) {
    const Schedule schedule(one["name"].get<std::string>(), one["total_steps"],
                            one["warmup_steps"]);
    CAPTURE(schedule.name());
    CAPTURE(schedule.warmup());
    ++cases;
    for (size_t s = 0; s < one["factors"].size(); ++s) {
      CAPTURE(s);
      CHECK(schedule.factor(static_cast<int64_t>(s)) ==
            doctest::Approx(one["factors"][s].get<double>()).epsilon(1e-10));
    }
  }
  CHECK(cases == 12);
}

TEST_CASE("Hugging Face's other name for a constant rate after a warm-up") {
  const Schedule a("constant", 10, 4), b("constant_with_warmup", 10, 4);
  for (int64_t s = 0; s <= 12; ++s) CHECK(a.factor(s) == b.factor(s));
}

TEST_CASE("the first update of a warm-up has rate 0, and behind the end nothing rises again") {
  CHECK(Schedule("linear", 100, 10).factor(0) == 0);
  CHECK(Schedule("linear", 100, 10).factor(10) == 1);
  for (const char* name : {"linear", "cosine"}) {
    CHECK(Schedule(name, 100, 10).factor(100) == doctest::Approx(0));
    CHECK(Schedule(name, 100, 10).factor(150) == doctest::Approx(0));
  }
  CHECK(Schedule("linear", 0).factor(0) == 0);
}

TEST_CASE("a warm-up above zero lets every update learn, and ends where the other one does") {
  const Schedule above("linear", 100, 4, Warmup::above_zero), zero("linear", 100, 4);
  for (const int64_t s : {0, 1, 2, 3}) CHECK(above.factor(s) == doctest::Approx((s + 1) / 5.0));
  for (int64_t s = 4; s < 110; ++s) CHECK(above.factor(s) == zero.factor(s));
}

TEST_CASE("warm-up as a share of the training is rounded up") {
  CHECK(warmup_updates(1000, 0.06) == 60);
  CHECK(warmup_updates(101, 0.1) == 11);
  CHECK(warmup_updates(5, 0) == 0);
  CHECK_THROWS_WITH_AS(warmup_updates(10, 1.5),
                       "schedule: a warm-up ratio of 1.5 is not between 0 and 1", Error);
}

TEST_CASE("a schedule that cannot be says what is known") {
  CHECK_THROWS_WITH_AS(Schedule("linaer", 10),
                       "schedule: there is none named 'linaer'\nhint: known are linear, cosine, "
                       "constant, constant_with_warmup",
                       Error);
  CHECK_THROWS_WITH_AS(Schedule("linear", 10, 11),
                       "schedule: a warm-up of 11 updates is longer than the whole training of 10",
                       Error);
  CHECK_THROWS_WITH_AS(Schedule("linear", -1), doctest::Contains("neither may be negative"), Error);
}
