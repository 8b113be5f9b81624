#include "engine/ops/dropout.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "engine/autograd/gradcheck.h"
#include "engine/ops/attention.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::PoisonedWorkspace;

namespace {

GraphOptions options_of(uint64_t seed, uint64_t step, bool drop = true) {
  GraphOptions o;
  o.dropout = drop;
  o.seed = seed;
  o.step = step;
  return o;
}

// The dropped ones of `sites` dropout ops, one after the other.
std::vector<Matrix> masks(uint64_t seed, uint64_t step, double p, Shape shape, int sites = 1) {
  PoisonedWorkspace ws;
  Tensor ones = ws.tensor(shape);
  ones.flat().setOnes();
  Graph g(ws, options_of(seed, step));
  std::vector<Matrix> result;
  for (int i = 0; i < sites; ++i) result.push_back(dropout(g, ones, p).mat());
  return result;
}

}  // namespace

// The masks are part of what a run is: the same on every processor, whatever instructions it has.
TEST_CASE(
    "masks are Philox4x32-7 of (key, counter), eight decisions of 16 bits a counter, written out "
    "one by one") {
  const uint64_t key = 0x0123456789ABCDEFull;
  const double p = 0.3;
  const DropoutMask mask(key, p);
  const auto threshold = static_cast<uint32_t>(p * 65536 + 0.5);
  for (const int64_t begin : {int64_t{0}, int64_t{64} * 1000, (int64_t{1} << 35) - 64}) {
    const int64_t n = 64 * 3 + 21;
    std::vector<Scalar> filled(static_cast<size_t>(n)), ones(static_cast<size_t>(n), 1),
        applied(ones), added(static_cast<size_t>(n), 2);
    mask.fill(begin, n, filled.data());
    mask.apply(begin, n, ones.data(), applied.data());
    mask.apply(begin, n, ones.data(), added.data(), 1);
    for (int64_t i = 0; i < n; ++i) {
      const uint64_t block = static_cast<uint64_t>((begin + i) / 64),
                     within = static_cast<uint64_t>((begin + i) % 64);
      const uint64_t word = within % 32, counter = block * 8 + word % 8;
      uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                       0x243F6A88u, 0x85A308D3u};
      uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
      for (int round = 0; round < 7; ++round) {
        const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
        const uint32_t next[4] = {
            static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
            static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
        std::copy_n(next, 4, c);
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
      }
      const uint32_t bits = within < 32 ? c[word / 8] & 0xFFFF : c[word / 8] >> 16;
      const Scalar expected =
          bits < threshold ? Scalar(0) : static_cast<Scalar>(65536.0 / (65536.0 - threshold));
      CAPTURE(i);
      REQUIRE(filled[static_cast<size_t>(i)] == expected);
      REQUIRE(applied[static_cast<size_t>(i)] == expected);
      REQUIRE(added[static_cast<size_t>(i)] == 2 + expected);
    }
  }
}

// x times 0, as torch has it: a step that went wrong must not look sound where the mask happens to
// fall.
TEST_CASE("a number that is not finite is not hidden by being dropped") {
  const DropoutMask mask(5, 0.5);
  const std::vector<Scalar> nan(128, std::numeric_limits<Scalar>::quiet_NaN());
  for (const Scalar beta : {Scalar(0), Scalar(1)}) {
    std::vector<Scalar> y(128, 1);
    mask.apply(0, 128, nan.data(), y.data(), beta);
    CHECK(std::all_of(y.begin(), y.end(), [](Scalar v) { return std::isnan(v); }));
  }
}

TEST_CASE("each element is dropped with probability p, and the mean is kept") {
  const Shape shape{301, 333};  // 100233 elements
  const double n = double(shape.size());
  for (const double p : {0.1, 0.25, 0.5, 0.9}) {
    CAPTURE(p);
    const Matrix m = masks(1, 1, p, shape)[0];
    int64_t kept = 0;
    double by_row = 0, by_column = 0;
    for (int64_t i = 0; i < m.size(); ++i) {
      const double x = m.data()[i];
      if (x == 0) continue;
      REQUIRE(x == doctest::Approx(1 / (1 - p)).epsilon(1e-4));
      ++kept;
    }
    const double error = std::sqrt(p * (1 - p) / n);
    CHECK(std::abs(double(kept) / n - (1 - p)) < 5 * error);
    CHECK(std::abs(double(m.mean()) - 1) < 5 * error / (1 - p));
    // No row or column is special: chi-square of their counts, of mean = degrees of freedom,
    // deviation sqrt(2 df).
    for (int64_t r = 0; r < m.rows(); ++r) {
      const double k = double((m.row(r).array() != 0).count()), e = (1 - p) * double(m.cols());
      by_row += (k - e) * (k - e) / (e * p);
    }
    for (int64_t c = 0; c < m.cols(); ++c) {
      const double k = double((m.col(c).array() != 0).count()), e = (1 - p) * double(m.rows());
      by_column += (k - e) * (k - e) / (e * p);
    }
    CHECK(std::abs(by_row - double(m.rows())) < 5 * std::sqrt(2.0 * double(m.rows())));
    CHECK(std::abs(by_column - double(m.cols())) < 5 * std::sqrt(2.0 * double(m.cols())));
    // Neighbours, by every small distance, are independent.
    for (const int64_t lag : {1, 2, 4, 8, 16, 32, 64, 333}) {
      double both = 0;
      for (int64_t i = 0; i + lag < m.size(); ++i)
        both += m.data()[i] != 0 && m.data()[i + lag] != 0;
      const double pairs = n - double(lag), q = (1 - p) * (1 - p);
      CAPTURE(lag);
      CHECK(std::abs(both / pairs - q) < 6 * std::sqrt(q * (1 - q) * 3 / pairs));
    }
  }
}

TEST_CASE("masks differ by seed, step and site, and are the same otherwise") {
  const Shape shape{20, 33};
  const auto a = masks(1, 2, 0.5, shape, 3);
  CHECK(a[0] == masks(1, 2, 0.5, shape)[0]);
  const auto independent = [](const Matrix& x, const Matrix& y) {
    const double agree = double(((x.array() != 0) == (y.array() != 0)).count()) / double(x.size());
    return std::abs(agree - 0.5) < 5 * 0.5 / std::sqrt(double(x.size()));
  };
  CHECK(independent(a[0], a[1]));
  CHECK(independent(a[1], a[2]));
  CHECK(independent(a[0], masks(1, 3, 0.5, shape)[0]));
  CHECK(independent(a[0], masks(2, 2, 0.5, shape)[0]));
}

TEST_CASE("the mask of backward is the mask of forward") {
  PoisonedWorkspace ws;
  Tensor ones = ws.tensor({17, 65});
  ones.flat().setOnes();
  GradcheckOptions options;
  options.graph = options_of(1, 2);
  const TensorFunction f = [](Graph& g, const std::vector<Tensor>& in) {
    return dropout(g, in[0], 0.3);
  };
  Matrix forward;
  {
    Graph g(ws, options.graph);
    forward = f(g, {ones}).mat();
  }
  const Matrix gradient = projected_gradients(ws, f, {ones}, {}, options)[0].mat();
  CHECK(((forward.array() == 0) == (gradient.array() == 0)).all());
}

TEST_CASE("the mask does not depend on the number of threads") {
  const Shape shape{129, 257};
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto one = masks(1, 1, 0.1, shape, 2);
  omp_set_num_threads(2);
  const auto two = masks(1, 1, 0.1, shape, 2);
  omp_set_num_threads(before);
  CHECK(one == two);
}

TEST_CASE("fill and apply agree, from any block") {
  const DropoutMask mask(77, 0.4);
  std::vector<Scalar> whole(1000), part(1000), applied(1000, 1), added(1000, 2);
  mask.fill(0, 1000, whole.data());
  for (int64_t at = 0; at < 1000; at += 128)
    mask.fill(at, std::min<int64_t>(128, 1000 - at), part.data() + at);
  CHECK(whole == part);
  mask.apply(0, 1000, applied.data(), applied.data());
  CHECK(applied == whole);
  mask.apply(0, 1000, std::vector<Scalar>(1000, 1).data(), added.data(), 1);
  for (size_t i = 0; i < 1000; ++i) REQUIRE(added[i] == 2 + whole[i]);
}

TEST_CASE("dropout does nothing and takes no key when off or when p is 0") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({3, 4});
  {
    Graph g(ws, options_of(1, 1, false));
    const Tensor in = g.input(x), y = dropout(g, in, 0.5);
    CHECK(y.id() == in.id());
    CHECK(y.data() == x.data());
    CHECK(ws.nodes.empty());
  }
  Graph g(ws, options_of(1, 1));
  CHECK(dropout(g, x, 0).data() == x.data());
  const uint64_t key = g.next_mask_key();
  CHECK(key == mix(mix(1, 1), 1));
}

TEST_CASE("attention drops probabilities: each with probability p, others by the mean") {
  // With V = the identity, O is the matrix of dropped probabilities itself; with Q = 0 all of them
  // are 1 / n.
  PoisonedWorkspace ws;
  constexpr int64_t n = 96;
  Tensor q = ws.tensor({2 * n, n}), v = ws.tensor({2 * n, n});
  q.flat().setZero();
  v.mat().setZero();
  for (int64_t i = 0; i < 2 * n; ++i) v.row(i)[i % n] = 1;
  Segments segments;
  segments.add(n);
  segments.add(n);
  AttentionOptions options;
  options.dropout = 0.2;
  Graph g(ws, options_of(3, 4));
  const Tensor k = ws.tensor({2 * n, n}, 5);
  const Matrix o = attention(g, q, k, v, segments, options).mat(),
               again = attention(g, q, k, v, segments, options).mat();
  const double total = double(o.size());
  double kept = 0;
  for (int64_t i = 0; i < o.size(); ++i) {
    if (o.data()[i] == 0) continue;
    ++kept;
    REQUIRE(o.data()[i] == doctest::Approx(1.25 / n).epsilon(1e-4));
  }
  CHECK(std::abs(kept / total - 0.8) < 5 * std::sqrt(0.16 / total));
  const auto agree = [&](const Matrix& a, const Matrix& b) {
    return double(((a.array() != 0) == (b.array() != 0)).count()) / double(a.size());
  };
  // Chance: 0.8^2 + 0.2^2 = 0.68. Sequences and calls have masks of their own.
  CHECK(std::abs(agree(o.topRows(n), o.bottomRows(n)) - 0.68) < 0.03);
  CHECK(std::abs(agree(o, again) - 0.68) < 0.03);
}
