#include "course/lib/check.h"
#include "task.h"

using course::Matrix;

int main() {
  course::Test t = course::test("Softmax and the largest score");
  const double ln2 = std::log(2.0);
  const Matrix s(2, 3, {0, ln2, 0, ln2, ln2, 2 * ln2});

  t.check("shares by hand", [&] {
    t.equal(
        "shares", task::softmax(s), Matrix(2, 3, {0.25, 0.5, 0.25, 0.25, 0.25, 0.5}),
        {{Matrix(2, 3, {1. / 3, 0.5, 0.2, 2. / 3, 0.5, 0.8}),
          "these are shares of columns: every row sums to 1, not every column"},
         {Matrix(2, 3, {1. / 8, 0.25, 1. / 8, 0.25, 0.25, 0.5}), "divide by the sum of the row"},
         {Matrix(2, 3, {1, 2, 1, 2, 2, 4}), "the exponentials are not divided by their sum"}});
  });
  t.check("the sum of each row is 1, and no share is negative", [&] {
    course::Numbers numbers(1);
    Matrix m = numbers.matrix(5, 7);
    for (double& v : m.values) v *= 20;
    const Matrix p = task::softmax(m);
    for (int r = 0; r < 5; ++r) {
      double sum = 0;
      for (int c = 0; c < 7; ++c) {
        t.require(p(r, c) >= 0,
                  "share " + course::number(p(r, c)) + " in row " + std::to_string(r));
        sum += p(r, c);
      }
      t.equal("sum of row " + std::to_string(r), sum, 1);
    }
  });
  t.check("a constant added to a row changes nothing", [&] {
    Matrix shifted = s;
    for (int c = 0; c < 3; ++c) shifted(1, c) -= 7;
    t.equal("shares", task::softmax(shifted), task::softmax(s));
  });
  t.check("large scores", [&] {
    const Matrix large(2, 2, {1000, 1000 + ln2, -1000, -1000 + ln2});
    const Matrix got = task::softmax(large);
    for (const double v : got.values)
      t.require(!std::isnan(v),
                "a share is not a number: exp(1000) is infinity; subtract the "
                "largest score of the row first");
    t.equal("shares", got, Matrix(2, 2, {1. / 3, 2. / 3, 1. / 3, 2. / 3}));
  });
  t.check("log_sum_exp", [&] {
    t.equal("of the scores by hand", task::log_sum_exp(s), {2 * ln2, 3 * ln2});
    const std::vector<double> large = task::log_sum_exp(Matrix(2, 2, {1000, 1000, -1000, -1000}));
    t.equal(
        "of large scores", large, {1000 + ln2, -1000 + ln2},
        {{{INFINITY, -INFINITY}, "exp(1000) is infinity: take the largest score out of the sum"}});
  });
  t.check("exp(score - log_sum_exp) is the share again", [&] {
    const Matrix p = task::softmax(s);
    const std::vector<double> lse = task::log_sum_exp(s);
    for (int r = 0; r < 2; ++r)
      for (int c = 0; c < 3; ++c)
        t.equal("share", std::exp(s(r, c) - lse.at(static_cast<size_t>(r))), p(r, c));
  });
  return t.result();
}
