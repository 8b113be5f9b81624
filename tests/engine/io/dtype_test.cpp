#include "engine/io/dtype.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "engine/base/error.h"

using namespace engine;

namespace {
constexpr float kInf = std::numeric_limits<float>::infinity();
}

TEST_CASE("F16 bit patterns (IEEE 754 binary16, by its definition)") {
  const std::pair<uint16_t, float> known[] = {
      {0x0000, 0.0f},         {0x3C00, 1.0f},         {0xC000, -2.0f},    {0x3555, 0.333251953125f},
      {0x7BFF, 65504.0f},     {0xFBFF, -65504.0f},    {0x0400, 0x1p-14f}, {0x0001, 0x1p-24f},
      {0x8001, -0x1p-24f},    {0x03FF, 0x1.ff8p-15f}, {0x7C00, kInf},     {0xFC00, -kInf},
      {0x3C01, 1.0009765625f}};
  for (const auto& [bits, value] : known) {
    const auto& this_bits = bits;
    CAPTURE(this_bits);
    CHECK(half_to_float(bits) == value);
    CHECK(float_to_half(value) == bits);
  }
  CHECK(std::bit_cast<uint32_t>(half_to_float(0x8000)) == 0x80000000u);  // -0
  CHECK(float_to_half(-0.0f) == 0x8000);
  CHECK(std::isnan(half_to_float(0x7E00)));
  CHECK(std::isnan(half_to_float(0x7C01)));
  CHECK((float_to_half(std::nanf("")) & 0x7C00) == 0x7C00);
  CHECK((float_to_half(std::nanf("")) & 0x03FF) != 0);
}

TEST_CASE("to F16: nearest, ties to even, overflow to infinity") {
  CHECK(float_to_half(1 + 0x1p-11f) == 0x3C00);             // a tie, down to even
  CHECK(float_to_half(1 + 3 * 0x1p-11f) == 0x3C02);         // a tie, up to even
  CHECK(float_to_half(1 + 0x1p-11f + 0x1p-20f) == 0x3C01);  // just above a tie
  CHECK(float_to_half(65519.996f) == 0x7BFF);
  CHECK(float_to_half(65520.0f) == 0x7C00);  // halfway to 65536
  CHECK(float_to_half(1e30f) == 0x7C00);
  CHECK(float_to_half(-1e30f) == 0xFC00);
  CHECK(float_to_half(0x1p-25f) == 0x0000);  // a tie between 0 and the smallest, to even
  CHECK(float_to_half(0x1.8p-25f) == 0x0001);
  CHECK(float_to_half(3 * 0x1p-25f) == 0x0002);  // a tie between 1 and 2 units, to even
  CHECK(float_to_half(0x1.ffcp-15f) == 0x0400);  // rounds up from subnormal to normal
  CHECK(float_to_half(1e-40f) == 0x0000);        // a subnormal float
}

TEST_CASE("every F16 pattern survives the way to float and back") {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const auto b = static_cast<uint16_t>(bits);
    if (std::isnan(half_to_float(b))) {
      REQUIRE(std::isnan(half_to_float(float_to_half(half_to_float(b)))));
    } else {
      REQUIRE(float_to_half(half_to_float(b)) == b);
    }
  }
}

TEST_CASE("to F16 is the nearest of its neighbours, for many floats") {
  uint32_t bits = 12345;
  for (int i = 0; i < 200'000; ++i) {
    bits = bits * 1664525u + 1013904223u;
    const float x = std::bit_cast<float>(bits & 0x7FFFFFFFu);
    if (!(x < 65504.0f)) continue;
    const uint16_t half = float_to_half(x);
    const double error = std::fabs(static_cast<double>(half_to_float(half)) - x);
    if (half > 0)
      REQUIRE(error <=
              std::fabs(static_cast<double>(half_to_float(static_cast<uint16_t>(half - 1))) - x));
    if (half < 0x7BFF)
      REQUIRE(error <=
              std::fabs(static_cast<double>(half_to_float(static_cast<uint16_t>(half + 1))) - x));
  }
}

TEST_CASE("names and sizes") {
  CHECK(std::string(dtype_name(DType::BF16)) == "BF16");
  CHECK(dtype_bytes(DType::F64) == 8);
  CHECK(dtype_bytes(DType::BOOL) == 1);
  CHECK(parse_dtype("f16", "--dtype") == DType::F16);
  CHECK_THROWS_WITH_AS(
      parse_dtype("float", "--dtype"),
      doctest::Contains("--dtype: there is no element type 'float'\nhint: known are BOOL, U8"),
      Error);
  CHECK(dims_text({}) == "[]");
  CHECK(dims_text({768, 3072}) == "[768, 3072]");
}
