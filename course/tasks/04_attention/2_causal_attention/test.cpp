#include <functional>

#include "course/lib/check.h"
#include "task.h"

using course::Matrix;

namespace {

// Attention by its definition, for any scale and rule of sight.
Matrix naive(const Matrix& q, const Matrix& k, const Matrix& v, double scale,
             const std::function<bool(int, int)>& sees) {
  Matrix out(q.rows, v.cols);
  for (int i = 0; i < q.rows; ++i) {
    std::vector<double> share(static_cast<size_t>(k.rows));
    double sum = 0;
    for (int j = 0; j < k.rows; ++j) {
      double score = 0;
      for (int c = 0; c < q.cols; ++c) score += q(i, c) * k(j, c);
      sum += share[static_cast<size_t>(j)] = sees(i, j) ? std::exp(scale * score) : 0;
    }
    for (int j = 0; j < k.rows; ++j)
      for (int c = 0; c < v.cols; ++c)
        if (sum > 0) out(i, c) += share[static_cast<size_t>(j)] / sum * v(j, c);
  }
  return out;
}

bool all(int, int) { return true; }
bool causal(int i, int j) { return j <= i; }

}  // namespace

int main() {
  course::Test t = course::test("The mask");
  course::Numbers numbers(2);
  const int n = 5, d = 4;
  const Matrix q = numbers.matrix(n, d), k = numbers.matrix(n, d), v = numbers.matrix(n, d);
  const double scale = 1 / std::sqrt(double(d));

  t.check("without a mask", [&] {
    t.equal("output", task::attention(q, k, v, false), naive(q, k, v, scale, all),
            {{naive(q, k, v, 1, all), "the scale 1/sqrt(d) is missing"},
             {naive(q, k, v, 1.0 / d, all), "the scores are divided by d, not by its root"},
             {naive(q, k, v, std::sqrt(double(d)), all), "the scores are multiplied by sqrt(d)"},
             {naive(k, q, v, scale, all), "queries and keys are exchanged: a row is who asks"}});
  });
  t.check("with a causal mask", [&] {
    t.equal("output", task::attention(q, k, v, true), naive(q, k, v, scale, causal),
            {{naive(q, k, v, scale, all), "the mask does nothing"},
             {naive(q, k, v, scale, [](int i, int j) { return j < i; }),
              "the mask is off by one: a token sees itself, too"},
             {naive(q, k, v, scale, [](int i, int j) { return j <= i + 1; }),
              "the mask is off by one: a token sees the one after it"},
             {naive(q, k, v, scale, [](int i, int j) { return j >= i; }),
              "the mask is turned round: a token sees those after it"},
             {naive(q, k, v, 1, causal), "the scale 1/sqrt(d) is missing"}});
  });
  t.check("the first token sees itself alone", [&] {
    const Matrix out = task::attention(q, k, v, true);
    for (int c = 0; c < d; ++c) t.equal("output, column " + std::to_string(c), out(0, c), v(0, c));
  });
  t.check("nobody before a token notices that it changed", [&] {
    const Matrix before = task::attention(q, k, v, true);
    for (int changed = 0; changed < n; ++changed) {
      Matrix k2 = k, v2 = v;
      for (int c = 0; c < d; ++c) k2(changed, c) += 1, v2(changed, c) -= 2;
      const Matrix after = task::attention(q, k2, v2, true);
      for (int i = 0; i < changed; ++i)
        for (int c = 0; c < d; ++c)
          t.require(after(i, c) == before(i, c), "token " + std::to_string(i) +
                                                     " noticed that token " +
                                                     std::to_string(changed) + " changed");
      t.require(!(after == before),
                "nobody noticed that token " + std::to_string(changed) + " changed");
    }
  });
  t.check("hidden scores take no part, however large", [&] {
    Matrix k2 = k;
    for (int c = 0; c < d; ++c) k2(n - 1, c) = 1e4 * q(0, c);
    const Matrix out = task::attention(q, k2, v, true);
    for (int c = 0; c < d; ++c)
      t.equal(
          "token 0, column " + std::to_string(c), out(0, c), v(0, c),
          {{0,
            "a hidden score was the largest that was subtracted: use only those that are seen"}});
  });
  t.check("outputs are mixtures: between the smallest and the largest value", [&] {
    const Matrix out = task::attention(q, k, v, false);
    for (int c = 0; c < d; ++c) {
      double low = v(0, c), high = v(0, c);
      for (int j = 1; j < n; ++j) low = std::min(low, v(j, c)), high = std::max(high, v(j, c));
      for (int i = 0; i < n; ++i)
        t.require(out(i, c) >= low - 1e-12 && out(i, c) <= high + 1e-12,
                  "output " + course::number(out(i, c)) + " is outside of the values");
    }
  });
  return t.result();
}
