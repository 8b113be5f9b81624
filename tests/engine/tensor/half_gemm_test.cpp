#include "engine/tensor/half_gemm.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/base/philox.h"

using namespace engine;

namespace {

std::vector<Scalar> float_values(int64_t n, uint64_t key) {
  Random random(key);
  std::vector<Scalar> v(static_cast<size_t>(n));
  for (Scalar& x : v) x = static_cast<Scalar>(static_cast<float>(random.normal()));
  return v;
}

std::vector<BFloat16> all_narrowed(const std::vector<Scalar>& values) {
  std::vector<BFloat16> out(values.size());
  narrow(values.data(), static_cast<int64_t>(values.size()), out.data());
  return out;
}

// Element (i, j) of op(a) op(b) for dense matrices, in double.
template <class A, class B>
double sum(const A& a, const B& b, bool ta, bool tb, int64_t i, int64_t j, int64_t m, int64_t n,
           int64_t k) {
  double total = 0;
  for (int64_t l = 0; l < k; ++l)
    total += static_cast<double>(a(ta ? l * m + i : i * k + l)) *
             static_cast<double>(b(tb ? j * k + l : l * n + j));
  return total;
}

constexpr int64_t kSizes[][3] = {{1, 1, 1},    {1, 70, 33},   {8, 64, 48},     {9, 5, 3},
                                 {17, 65, 33}, {65, 130, 40}, {257, 600, 450}, {70, 1100, 96}};

}  // namespace

TEST_CASE("bf16: rounded to the nearest, ties to even, as torch.bfloat16 does") {
  // From torch: torch.tensor(x).bfloat16().view(torch.int16).
  CHECK(narrowed(1.0f).bits == 0x3F80);
  CHECK(narrowed(1.00390625f).bits == 0x3F80);  // a tie, down to even
  CHECK(narrowed(1.01171875f).bits == 0x3F82);  // a tie, up to even
  CHECK(narrowed(1.00390637f).bits == 0x3F81);  // just above a tie
  CHECK(narrowed(-3.14159274f).bits == 0xC049);
  CHECK(narrowed(3.4e38f).bits == 0x7F80);  // beyond the largest: infinity
  CHECK(narrowed(1e-40f).bits == 0x0001);   // a denormal stays one
  CHECK(narrowed(-0.0f).bits == 0x8000);
  CHECK(std::isinf(widened(narrowed(std::numeric_limits<float>::infinity()))));
  CHECK(std::isnan(widened(narrowed(std::numeric_limits<float>::quiet_NaN()))));
  CHECK(std::isnan(widened(narrowed(std::bit_cast<float>(0x7F800001u)))));
  CHECK(std::isnan(widened(narrowed(std::bit_cast<float>(0xFFFFFFFFu)))));
}

TEST_CASE("bf16: every value survives widening and narrowing") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const BFloat16 in{static_cast<uint16_t>(bits)};
    Scalar wide = 0;
    widen(&in, 1, &wide);
    if (std::isnan(widened(in))) continue;
    REQUIRE(narrowed(static_cast<float>(wide)).bits == bits);
  }
}

TEST_CASE("half_gemm equals three loops, by both arithmetics") {
  for (const HalfArithmetic arithmetic : {HalfArithmetic::fp32, HalfArithmetic::bf16})
    for (const auto& size : kSizes)
      for (const bool tb : {false, true})
        for (const Scalar beta : {Scalar(0), Scalar(1)})
          for (const bool in_parts : {false, true}) {
            const int64_t m = size[0], n = size[1], k = size[2], ldc = n + 3;
            const auto a = float_values(m * k, 1), wide_b = float_values(n * k, 2),
                       before = float_values(m * ldc, 3);
            const auto b = all_narrowed(wide_b);
            auto c = before;
            if (beta == 0)
              for (int64_t r = 0; r < m; ++r)
                std::fill_n(c.begin() + r * ldc, n, std::numeric_limits<Scalar>::quiet_NaN());
            const int64_t b_rows = tb ? n : k, b_cols = tb ? k : n;
            set_deterministic(in_parts);
            half_gemm(tb, {a.data(), m, k, k}, {b.data(), b_rows, b_cols, b_cols}, arithmetic, beta,
                      c.data(), Work::forward, ldc);
            set_deterministic(false);
            const bool exact_a = arithmetic == HalfArithmetic::fp32 || (tb && m <= 8);
            double worst = 0;
            for (int64_t i = 0; i < m; ++i)
              for (int64_t j = 0; j < ldc; ++j) {
                const auto at = static_cast<size_t>(i * ldc + j);
                if (j >= n) {
                  REQUIRE(c[at] == before[at]);
                  continue;
                }
                const auto a_at = [&](int64_t l) {
                  const Scalar value = a[static_cast<size_t>(l)];
                  return exact_a
                             ? value
                             : static_cast<Scalar>(widened(narrowed(static_cast<float>(value))));
                };
                const auto b_at = [&](int64_t l) { return widened(b[static_cast<size_t>(l)]); };
                const double wanted = sum(a_at, b_at, false, tb, i, j, m, n, k) +
                                      static_cast<double>(beta) * static_cast<double>(before[at]);
                worst = std::max(worst, std::abs(static_cast<double>(c[at]) - wanted));
              }
            CAPTURE(m);
            CAPTURE(n);
            CAPTURE(k);
            CAPTURE(tb);
            CAPTURE(in_parts);
            CHECK(worst < 1e-5 * std::sqrt(static_cast<double>(k)) + 1e-6);
          }
}

TEST_CASE("half_gemm of two narrowed factors equals three loops, for every transpose") {
  for (const auto& size : kSizes)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const Scalar beta : {Scalar(0), Scalar(1)})
          for (const bool in_parts : {false, true}) {
            const int64_t m = size[0], n = size[1], k = size[2];
            const auto a = all_narrowed(float_values(m * k, 1)),
                       b = all_narrowed(float_values(n * k, 2));
            const auto before = float_values(m * n, 3);
            auto c = before;
            set_deterministic(in_parts);
            half_gemm(ta, tb, {a.data(), ta ? k : m, ta ? m : k, ta ? m : k},
                      {b.data(), tb ? n : k, tb ? k : n, tb ? k : n}, beta, c.data());
            set_deterministic(false);
            double worst = 0;
            for (int64_t i = 0; i < m; ++i)
              for (int64_t j = 0; j < n; ++j) {
                const auto a_at = [&](int64_t l) { return widened(a[static_cast<size_t>(l)]); };
                const auto b_at = [&](int64_t l) { return widened(b[static_cast<size_t>(l)]); };
                const auto at = static_cast<size_t>(i * n + j);
                const double wanted = sum(a_at, b_at, ta, tb, i, j, m, n, k) +
                                      static_cast<double>(beta) * static_cast<double>(before[at]);
                worst = std::max(worst, std::abs(static_cast<double>(c[at]) - wanted));
              }
            CAPTURE(m);
            CAPTURE(n);
            CAPTURE(k);
            CHECK(worst < 1e-5 * std::sqrt(static_cast<double>(k)) + 1e-6);
          }
}

TEST_CASE("deterministic products of BF16 have the same bits with any number of threads") {
  const int64_t m = 300, n = 200, k = 96;
  const auto a = float_values(m * k, 1);
  const auto b = all_narrowed(float_values(n * k, 2));
  set_deterministic(true);
  std::vector<std::vector<Scalar>> results;
  const int before = omp_get_max_threads();
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    for (const HalfArithmetic arithmetic : {HalfArithmetic::fp32, HalfArithmetic::bf16}) {
      auto& c = results.emplace_back(static_cast<size_t>(m * n));
      half_gemm(true, {a.data(), m, k, k}, {b.data(), n, k, k}, arithmetic, 0, c.data());
    }
  }
  omp_set_num_threads(before);
  set_deterministic(false);
  for (size_t i = 2; i < results.size(); ++i) CHECK(results[i] == results[i % 2]);
}
