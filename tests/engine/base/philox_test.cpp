#include "engine/base/philox.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

using namespace engine;
using Words = std::array<uint32_t, 4>;

// From Random123's kat_vectors (D. E. Shaw Research): "philox4x32 10".
TEST_CASE("philox gives Random123's known answers") {
  CHECK(philox(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox(~0ull, ~0ull, ~0ull) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0: the digits of pi
  CHECK(philox(0x299f31d0a4093822ull, 0x85a308d3243f6a88ull, 0x0370734413198a2eull) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("name_key is FNV-1a") {
  CHECK(name_key("") == 0xcbf29ce484222325ull);
  CHECK(name_key("a") == 0xaf63dc4c8601ec8cull);  // from the reference page of Fowler, Noll and Vo
  CHECK(name_key("foobar") == 0x85944171f73967e8ull);
}

TEST_CASE("mix separates seeds and steps") {
  std::set<uint64_t> keys;
  for (uint64_t seed = 0; seed < 40; ++seed)
    for (uint64_t step = 0; step < 40; ++step) keys.insert(mix(seed, step));
  CHECK(keys.size() == 1600);
}

TEST_CASE("a Random is its key and its stream") {
  Random a(7), b(7), other_key(8), other_stream(7, 1);
  int same_key = 0, same_stream = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint32_t word = a.bits();
    REQUIRE(word == b.bits());
    same_key += word == other_key.bits();
    same_stream += word == other_stream.bits();
  }
  CHECK(same_key <= 1);
  CHECK(same_stream <= 1);
}

TEST_CASE("uniform, below and normal have their moments") {
  Random random(3);
  constexpr int kCount = 200000;
  double sum = 0, squares = 0, normal = 0, normal_squares = 0, normal_fourth = 0;
  std::array<int, 7> counts{};
  for (int i = 0; i < kCount; ++i) {
    const double u = random.uniform(), z = random.normal();
    REQUIRE((u > 0 && u < 1));
    sum += u;
    squares += u * u;
    normal += z;
    normal_squares += z * z;
    normal_fourth += z * z * z * z;
    const uint64_t d = random.below(7);
    REQUIRE(d < 7);
    ++counts[d];
  }
  // Five standard errors: of u 0.289/sqrt(n), of u^2 0.298/sqrt(n), of z 1/sqrt(n), of
  // z^2 1.41/sqrt(n), of z^4 9.8/sqrt(n).
  const double root = std::sqrt(double(kCount));
  CHECK(std::abs(sum / kCount - 0.5) < 5 * 0.289 / root);
  CHECK(std::abs(squares / kCount - 1.0 / 3) < 5 * 0.298 / root);
  CHECK(std::abs(normal / kCount) < 5 / root);
  CHECK(std::abs(normal_squares / kCount - 1) < 5 * 1.42 / root);
  CHECK(std::abs(normal_fourth / kCount - 3) < 5 * 9.8 / root);
  for (const int count : counts)
    CHECK(std::abs(count - kCount / 7.0) < 5 * std::sqrt(kCount / 7.0));
}
