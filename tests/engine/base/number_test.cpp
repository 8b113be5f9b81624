#include "engine/base/number.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace engine;

TEST_CASE("a number is the whole of its text") {
  CHECK(to_number<int>("42") == 42);
  CHECK(to_number<int>("-42") == -42);
  CHECK(to_number<int64_t>("9223372036854775807") == INT64_MAX);
  CHECK(to_number<uint64_t>("18446744073709551615") == UINT64_MAX);
  CHECK(to_number<double>("1e-3") == 1e-3);
  CHECK(to_number<double>("-.5") == -0.5);
  for (const char* text : {"", " ", "1 ", " 1", "+1", "1x", "0x10", "1.", "1.0", "1e2", "--1",
                           "1,5", "\xEF\xBC\x91", "1\n", "2147483648", "-2147483649"})
    CHECK_MESSAGE(!to_number<int>(text), text);
  CHECK_FALSE(to_number<unsigned>("-1"));
  for (const char* text : {"", "nan", "inf", "-inf", "infinity", "NAN", "1e400", "-1e400", "1e-3x",
                           "0x1p3", "1e", "e1", "1_000", "1 e3", "."})
    CHECK_MESSAGE(!to_number<double>(text), text);
}

TEST_CASE("a number out of range says what is wanted") {
  CHECK(number_in<int>("3", "here", "n", 1, 4) == 3);
  CHECK_THROWS_WITH_AS(number_in<int>("5", "here", "n", 1, 4),
                       "here: n '5' should be a whole number from 1 to 4", Error);
  CHECK_THROWS_WITH_AS(number_in<double>("x", "here", "p", 0.0),
                       "here: p 'x' should be a number of 0 or more", Error);
  CHECK_THROWS_WITH_AS(number_in<int64_t>("1e3", "here", "n"),
                       "here: n '1e3' should be a whole number", Error);
}
