#include "engine/tensor/gemm.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/base/philox.h"

using namespace engine;

namespace {

std::vector<Scalar> random_values(int64_t n, uint64_t key) {
  Random random(key);
  std::vector<Scalar> v(static_cast<size_t>(n));
  for (Scalar& x : v) x = static_cast<Scalar>(random.normal());
  return v;
}

}  // namespace

TEST_CASE("gemm equals three loops, for every transpose, stride, alpha and beta") {
  // The last with its a transposed: rows a page apart.
  const int64_t sizes[][3] = {{1, 1, 1},    {1, 7, 5},     {7, 1, 5},      {7, 5, 1},     {3, 4, 5},
                              {17, 65, 33}, {65, 17, 129}, {257, 67, 150}, {1024, 70, 66}};
  for (const auto& size : sizes)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const int64_t extra : {0, 3})
          for (const Scalar beta : {Scalar(0), Scalar(1)})
            for (const Scalar alpha : {Scalar(1), Scalar(-0.5)}) {
              // Not a structured binding: clang 14 captures none in a lambda (CAPTURE).
              const int64_t m = size[0], n = size[1], k = size[2];
              const int64_t a_rows = ta ? k : m, a_cols = ta ? m : k, b_rows = tb ? n : k,
                            b_cols = tb ? k : n;
              const int64_t lda = a_cols + extra, ldb = b_cols + extra, ldc = n + extra;
              const auto a = random_values(a_rows * lda, 1), b = random_values(b_rows * ldb, 2),
                         before = random_values(m * ldc, 3);
              auto c = before;
              if (beta == 0)
                for (int64_t r = 0; r < m;
                     ++r)  // need not be initialised: not even 0 * NaN may show
                  std::fill_n(c.begin() + r * ldc, n, std::numeric_limits<Scalar>::quiet_NaN());
              gemm(ta, tb, {a.data(), a_rows, a_cols, lda}, {b.data(), b_rows, b_cols, ldb}, beta,
                   c.data(), Work::forward, alpha, extra ? ldc : 0);
              double worst = 0;
              for (int64_t i = 0; i < m; ++i)
                for (int64_t j = 0; j < ldc; ++j) {
                  const auto at = static_cast<size_t>(i * ldc + j);
                  if (j >= n) {
                    REQUIRE(c[at] == before[at]);  // between the rows nothing is written
                    continue;
                  }
                  double sum = 0;
                  for (int64_t l = 0; l < k; ++l)
                    sum += double(a[static_cast<size_t>(ta ? l * lda + i : i * lda + l)]) *
                           double(b[static_cast<size_t>(tb ? j * ldb + l : l * ldb + j)]);
                  const double expected =
                      double(alpha) * sum + (beta == 0 ? 0 : double(before[at]));
                  const double error = std::abs(double(c[at]) - expected);
                  worst = std::isnan(error) ? 1e300 : std::max(worst, error);
                }
              CAPTURE(m);
              CAPTURE(n);
              CAPTURE(k);
              CAPTURE(ta);
              CAPTURE(tb);
              CHECK(worst < 50 * std::numeric_limits<Scalar>::epsilon() * std::sqrt(double(k)));
            }
}

TEST_CASE("deterministic products have the same bits with any number of threads") {
  const int before = omp_get_max_threads();
  set_deterministic(true);
  for (const int64_t m : {1, 7, 64, 129, 300})
    for (const int64_t n : {2, 8, 100, 257})
      for (const int64_t k : {1, 65, 400})
        for (const bool ta : {false, true})
          for (const bool tb : {false, true}) {
            const auto a = random_values(m * k, 3), b = random_values(k * n, 4);
            std::vector<std::vector<Scalar>> results;
            for (const int threads : {1, 2, 3, 5}) {
              omp_set_num_threads(threads);
              std::vector<Scalar> c(static_cast<size_t>(m * n), 0.5);
              gemm(ta, tb, {a.data(), ta ? k : m, ta ? m : k, ta ? m : k},
                   {b.data(), tb ? n : k, tb ? k : n, tb ? k : n}, 1, c.data());
              results.push_back(c);
            }
            CAPTURE(m);
            CAPTURE(n);
            CAPTURE(k);
            for (const auto& c : results) CHECK(c == results[0]);
            omp_set_num_threads(before);
            // And the product is right: against one without the switch.
            set_deterministic(false);
            std::vector<Scalar> plain(static_cast<size_t>(m * n), 0.5);
            gemm(ta, tb, {a.data(), ta ? k : m, ta ? m : k, ta ? m : k},
                 {b.data(), tb ? n : k, tb ? k : n, tb ? k : n}, 1, plain.data());
            set_deterministic(true);
            double worst = 0;
            for (size_t i = 0; i < plain.size(); ++i)
              worst = std::max(worst, std::abs(double(plain[i]) - double(results[0][i])));
            CHECK(worst < 50 * std::numeric_limits<Scalar>::epsilon() * std::sqrt(double(k)));
          }
  set_deterministic(false);
}

TEST_CASE("gemm counts by purpose, small_gemm does not") {
  const auto a = random_values(6, 1), b = random_values(12, 2);
  std::vector<Scalar> c(8);
  counters() = {};
  gemm(false, false, {a.data(), 2, 3, 3}, {b.data(), 3, 4, 4}, 0, c.data(), Work::weight_gradient);
  CHECK(counters().weight_gradient.calls == 1);
  CHECK(counters().weight_gradient.flops == 2 * 2 * 3 * 4);
  CHECK(counters().forward.calls == 0);
  small_gemm(false, false, {a.data(), 2, 3, 3}, {b.data(), 3, 4, 4}, 0, c.data(), 4);
  CHECK(counters().gemms() == 1);
}

TEST_CASE("inner sizes that differ are an error, no rows are no work") {
  const auto a = random_values(6, 1);
  std::vector<Scalar> c(9);
  CHECK_THROWS_WITH_AS(gemm(false, false, {a.data(), 2, 3, 3}, {a.data(), 2, 3, 3}, 0, c.data()),
                       "gemm: inner sizes differ: (2, 3) times (2, 3)", Error);
  counters() = {};
  CHECK_NOTHROW(gemm(false, false, {a.data(), 0, 3, 3}, {a.data(), 3, 2, 2}, 0, c.data()));
  CHECK(counters().gemms() == 0);
}

TEST_CASE("BLAS shares the engine's thread team") {
  INFO(blas_version());
  const std::string complaint =
      blas_complaint();  // may speak of OPENBLAS_CORETYPE, which is the user's to set
  CHECK_MESSAGE(complaint.find("OpenMP build") == std::string::npos, complaint);
}
