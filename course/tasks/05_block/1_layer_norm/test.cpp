#include "course/lib/check.h"
#include "task.h"

using course::Matrix;

namespace {

// The normalised rows, with choices that are wrong.
Matrix normalised(const Matrix& x, double eps, bool unbiased = false, bool eps_outside = false) {
  Matrix y = x;
  for (int r = 0; r < x.rows; ++r) {
    double mean = 0, squares = 0;
    for (int c = 0; c < x.cols; ++c) mean += x(r, c) / x.cols;
    for (int c = 0; c < x.cols; ++c) squares += (x(r, c) - mean) * (x(r, c) - mean);
    const double variance = squares / (unbiased ? x.cols - 1 : x.cols);
    const double root = eps_outside ? std::sqrt(variance) + eps : std::sqrt(variance + eps);
    for (int c = 0; c < x.cols; ++c) y(r, c) = (x(r, c) - mean) / root;
  }
  return y;
}

}  // namespace

int main() {
  course::Test t = course::test("The parts");
  course::Numbers numbers(1);
  const int n = 3, d = 4;
  const Matrix x = numbers.matrix(n, d), ones(1, d, 1.0), none(1, d);

  t.check("w = 1, b = 0", [&] {
    t.equal("y", task::layer_norm(x, ones, none, 0.1), normalised(x, 0.1),
            {{normalised(x, 0.1, true),
              "the variance divides by the number of columns, not by one "
              "less"},
             {normalised(x, 0.1, false, true), "eps stands inside the root"},
             {normalised(x, 0), "eps is missing"},
             {transposed(normalised(transposed(x), 0.1)),
              "this normalises columns: mean and variance are of a row, a token"}});
  });
  t.check("mean 0 and variance 1 in every row", [&] {
    const Matrix y = task::layer_norm(x, ones, none, 0);
    for (int r = 0; r < n; ++r) {
      double mean = 0, squares = 0;
      for (int c = 0; c < d; ++c) mean += y(r, c) / d, squares += y(r, c) * y(r, c) / d;
      t.equal("mean of row " + std::to_string(r), mean, 0);
      t.equal("variance of row " + std::to_string(r), squares, 1);
    }
  });
  t.check("the scale and the level of a row do not matter", [&] {
    Matrix other = x;
    for (int c = 0; c < d; ++c) other(1, c) = 100 * other(1, c) - 5;
    t.equal("y", task::layer_norm(other, ones, none, 0), task::layer_norm(x, ones, none, 0), {},
            1e-7);
  });
  t.check("a row of equal numbers gives b, not a division by zero", [&] {
    const Matrix b = numbers.matrix(1, d);
    const Matrix y = task::layer_norm(Matrix(1, d, 3.0), ones, b, 1e-5);
    t.equal("y", y, b);
  });
  t.check("w and b, column by column", [&] {
    const Matrix w = numbers.matrix(1, d), b = numbers.matrix(1, d);
    Matrix expected = normalised(x, 0.1), inside = expected;
    for (int r = 0; r < n; ++r)
      for (int c = 0; c < d; ++c) {
        inside(r, c) = w(0, c) * (expected(r, c) + b(0, c));
        expected(r, c) = w(0, c) * expected(r, c) + b(0, c);
      }
    t.equal("y", task::layer_norm(x, w, b, 0.1), expected,
            {{inside, "w multiplies b as well: b is added last"}});
  });
  t.check("the gradients of w and b, against central differences", [&] {
    Matrix w = numbers.matrix(1, d), b = numbers.matrix(1, d);
    const Matrix dy = numbers.matrix(n, d);
    const auto loss = [&] {
      Matrix y = normalised(x, 0.1);
      for (int r = 0; r < n; ++r)
        for (int c = 0; c < d; ++c) y(r, c) = w(0, c) * y(r, c) + b(0, c);
      return weighed_sum(y, dy);
    };
    const auto got = task::layer_norm_backward(dy, x, 0.1);
    t.equal("dw", got.dw, numeric_gradient(w, loss), {{numeric_gradient(b, loss), "this is db"}},
            1e-7);
    t.equal("db", got.db, numeric_gradient(b, loss), {}, 1e-7);
  });
  return t.result();
}
