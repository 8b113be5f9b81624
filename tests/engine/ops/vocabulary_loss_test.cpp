#include "engine/ops/vocabulary_loss.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::PoisonedWorkspace;

namespace {

constexpr int64_t kTokens = 12, kWidth = 4, kClasses = 9;

std::vector<int32_t> some_labels() {
  std::vector<int32_t> labels;
  for (int32_t i = 0; i < kTokens; ++i) labels.push_back(i % 3 == 0 ? -1 : i % kClasses);
  return labels;
}

double value(const Tensor& t) { return static_cast<double>(*t.data()); }

}  // namespace

TEST_CASE("vocabulary_loss never holds (rows x classes)") {
  const int64_t n = 512, d = 8, classes = 4096, block = 32 * classes;
  for (const bool frozen : {true, false}) {
    CAPTURE(frozen);
    PoisonedWorkspace ws;
    const Tensor x = ws.tensor({n, d}), w = ws.tensor({classes, d}, 2);
    std::vector<int32_t> labels(static_cast<size_t>(n), 7);
    const int64_t before = ws.pool.live_bytes();
    Graph g(ws);
    const Tensor input = g.input(x), weight = frozen ? w : g.input(w);
    g.backward(vocabulary_loss(g, input, weight, {}, labels, {.block = block}));
    // One block, what is as large as x or w, and a few numbers a row; twice that, for what is
    // between.
    const auto scalars = block + 4 * n * d + 2 * classes * d + 8 * n;
    CHECK(ws.pool.peak_bytes() - before <= 2 * scalars * int64_t(sizeof(Scalar)));
    CHECK(ws.pool.peak_bytes() - before < n * classes * int64_t(sizeof(Scalar)) / 2);
  }
}

TEST_CASE("what vocabulary_loss reports: by row, whatever the blocks") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({kTokens, kWidth}), w = ws.tensor({kClasses, kWidth}, 2),
               b = ws.tensor({1, kClasses}, 3);
  const std::vector<int32_t> labels = some_labels();
  for (const int64_t block : {1, 5, 100}) {
    CAPTURE(block);
    std::vector<double> nll(kTokens, -1);
    int64_t correct = -1, seen = 0;
    Matrix logits(kTokens, kClasses);
    Graph g(ws);
    VocabularyLossOptions options{.smoothing = 0.2, .block = block * kClasses};
    options.nll = nll.data();
    options.correct = &correct;
    options.look = [&](const Tensor& u, int64_t first) {
      CHECK(first == seen);
      logits.middleRows(first, u.rows()) = u.mat();
      seen += u.rows();
    };
    vocabulary_loss(g, x, w, b, labels, options);
    CHECK(seen == kTokens);
    int64_t hits = 0;
    for (int64_t r = 0; r < kTokens; ++r) {
      const int32_t label = labels[static_cast<size_t>(r)];
      double sum = 0;
      Eigen::Index best = 0;
      for (int64_t c = 0; c < kClasses; ++c) {
        const double u = (x.mat().row(r).dot(w.mat().row(c))) + b.data()[c];
        CHECK(double(logits(r, c)) == doctest::Approx(u).epsilon(1e-5));
        sum += std::exp(u);
      }
      logits.row(r).maxCoeff(&best);
      hits += best == label;
      const double expected = label < 0 ? 0 : std::log(sum) - double(logits(r, label));
      CHECK(nll[static_cast<size_t>(r)] == doctest::Approx(expected).epsilon(1e-5));
    }
    CHECK(correct == hits);
  }
}

TEST_CASE("without terms vocabulary_loss is 0, and so are its gradients") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({3, kWidth}), w = ws.tensor({kClasses, kWidth}, 2);
  Graph g(ws);
  const Tensor input = g.input(x), weight = g.input(w);
  const Tensor loss = vocabulary_loss(g, input, weight, {}, {-1, -1, -1});
  CHECK(value(loss) == 0);
  g.backward(loss);
  CHECK(g.grad(input).flat().abs().maxCoeff() == 0);
  CHECK(g.grad(weight).flat().abs().maxCoeff() == 0);
}

TEST_CASE("labels that do not fit are errors that say so") {
  PoisonedWorkspace ws;
  const Tensor x = ws.tensor({2, kWidth}), w = ws.tensor({kClasses, kWidth}, 2);
  Graph g(ws);
  CHECK_THROWS_WITH_AS(vocabulary_loss(g, x, w, {}, {1, 9}), doctest::Contains("label 9"), Error);
  CHECK_THROWS_WITH_AS(vocabulary_loss(g, x, w, {}, {1, -2}), doctest::Contains("label -2"), Error);
  CHECK_THROWS_WITH_AS(vocabulary_loss(g, x, w, {}, {1}), doctest::Contains("1 labels for 2 rows"),
                       Error);
  CHECK_THROWS_AS(vocabulary_loss(g, x, w, ws.tensor({1, 3}), {1, 1}), Error);
}
