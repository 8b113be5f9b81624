#include "engine/base/error.h"

#include <doctest/doctest.h>

#include "engine/base/counters.h"
#include "engine/base/token_batch.h"
#include "engine/base/version.h"

using namespace engine;

TEST_CASE("an error says where, what was found and what to do") {
  CHECK_THROWS_WITH_AS(
      fail("tsv", "train.tsv", ": ", 3, " columns, and 4 expected", hint("is it the right task?")),
      "tsv: train.tsv: 3 columns, and 4 expected\nhint: is it the right task?", Error);
  CHECK_THROWS_WITH_AS(fail("tsv", "no ", 1.5, hint(concat("made ", "here"))),
                       "tsv: no 1.5\nhint: made here", Error);
  CHECK_NOTHROW(check(true, "here", "nothing"));
  CHECK_THROWS_WITH_AS(check(false, "here", "x is ", 2), "here: x is 2", Error);
}

namespace {
struct Counted {
  int* times;
};
std::ostream& operator<<(std::ostream& out, const Counted& c) {
  ++*c.times;
  return out;
}
}  // namespace

TEST_CASE("a check that holds formats nothing") {
  int times = 0;
  check(true, "here", Counted{&times});
  CHECK(times == 0);
  CHECK_THROWS_AS(check(false, "here", Counted{&times}), Error);
  CHECK(times == 1);
}

TEST_CASE("segments") {
  Segments s;
  CHECK(s.count() == 0);
  CHECK(s.rows() == 0);
  CHECK(s.longest() == 0);
  for (const int length : {3, 1, 5}) s.add(length);
  CHECK(s.starts == std::vector<int32_t>{0, 3, 4, 9});
  CHECK(s.count() == 3);
  CHECK(s.begin(2) == 4);
  CHECK(s.length(1) == 1);
  CHECK(s.longest() == 5);
  s.clear();
  CHECK(s.rows() == 0);
}

TEST_CASE("counters add up by purpose") {
  Counters c;
  c.of(Work::forward) = {1, 10};
  c.of(Work::input_gradient) = {2, 20};
  c.of(Work::weight_gradient) = {3, 30};
  CHECK(c.gemms() == 6);
  CHECK(c.flops() == 60);
  CHECK(c.weight_gradient.calls == 3);
}

TEST_CASE("the build and the machine are known") {
  CHECK(version().find('.') != std::string::npos);
  CHECK(!git_revision().empty());
  CHECK(compiler().find("g++") == 0);
  const Machine m = machine();
  CHECK(m.cores >= 1);
  CHECK(m.memory_bytes > 0);
  CHECK(m.system.find("Linux") == 0);
  CHECK(peak_resident_bytes() > 1 << 20);
}
