#include "course/lib/check.h"
#include "task.h"

using course::Matrix;

namespace {

Matrix forward(const Matrix& x, const Matrix& w, const Matrix& b) {
  Matrix y = multiply(x, transposed(w));
  for (int r = 0; r < y.rows; ++r)
    for (int c = 0; c < y.cols; ++c) y(r, c) += b(0, c);
  return y;
}

Matrix row_of(const Matrix& m, int r) {
  Matrix row(1, m.cols);
  for (int c = 0; c < m.cols; ++c) row(0, c) = m(r, c);
  return row;
}

}  // namespace

int main() {
  course::Test t = course::test("Backward, by indices");
  course::Numbers numbers(2);

  // n = in = out = 3 as well: there shapes do not give the mistake away.
  const int sizes[][3] = {{2, 3, 4}, {5, 4, 1}, {3, 3, 3}};
  for (const auto& [n, in, out] : sizes) {
    const std::string size =
        std::to_string(n) + " tokens, " + std::to_string(in) + " to " + std::to_string(out);
    Matrix x = numbers.matrix(n, in), w = numbers.matrix(out, in), b = numbers.matrix(1, out);
    const Matrix dy = numbers.matrix(n, out);
    const auto loss = [&] { return weighed_sum(forward(x, w, b), dy); };

    t.check("dW against central differences: " + size, [&] {
      const Matrix expected = numeric_gradient(w, loss);
      std::vector<course::Mistake<Matrix>> mistakes = {
          {transposed(expected),
           "this is dW transposed: a gradient has the shape of the thing "
           "itself, (out, in), so dW = dy^T x"}};
      if (n == in && in == out)
        mistakes.push_back({multiply(dy, x), "this is dy x: dy must be transposed, dW = dy^T x"});
      t.equal("dW", task::linear_backward(dy, x, w).dw, expected, mistakes, 1e-7);
    });
    t.check("dx against central differences: " + size, [&] {
      const Matrix expected = numeric_gradient(x, loss);
      std::vector<course::Mistake<Matrix>> mistakes;
      if (in == out)
        mistakes.push_back(
            {multiply(dy, transposed(w)), "this is dy W^T, with a transposed weight: dx = dy W"});
      t.equal("dx", task::linear_backward(dy, x, w).dx, expected, mistakes, 1e-7);
    });
    t.check("db against central differences: " + size, [&] {
      Matrix mean = numeric_gradient(b, loss);
      for (double& v : mean.values) v /= n;
      t.equal("db", task::linear_backward(dy, x, w).db, numeric_gradient(b, loss),
              {{row_of(dy, 0),
                "this is the first row of dy: the gradient of the bias is the sum "
                "over all rows, since every token used it"},
               {row_of(dy, n - 1),
                "this is the last row of dy: the gradient of the bias is the sum "
                "over all rows (+=)"},
               {dy, "the gradient of the bias was not summed over the rows"},
               {mean, "this is the mean over the rows: it must be the sum"}},
              1e-7);
    });
  }
  t.check("no gradient where dy is 0", [&] {
    const auto g = task::linear_backward(Matrix(2, 3), numbers.matrix(2, 4), numbers.matrix(3, 4));
    t.equal("dW", g.dw, Matrix(3, 4));
    t.equal("dx", g.dx, Matrix(2, 4));
    t.equal("db", g.db, Matrix(1, 3));
  });
  t.check("two batches: the gradients of W and b are the sums of theirs", [&] {
    const Matrix w = numbers.matrix(2, 3), x = numbers.matrix(4, 3), dy = numbers.matrix(4, 2);
    const auto top = [](const Matrix& m) {
      return Matrix(2, m.cols, {m.values.begin(), m.values.begin() + 2 * m.cols});
    };
    const auto bottom = [](const Matrix& m) {
      return Matrix(2, m.cols, {m.values.begin() + 2 * m.cols, m.values.end()});
    };
    const auto whole = task::linear_backward(dy, x, w);
    const auto a = task::linear_backward(top(dy), top(x), w);
    const auto b = task::linear_backward(bottom(dy), bottom(x), w);
    Matrix dw = a.dw, db = a.db;
    t.require(dw.values.size() == b.dw.values.size() && db.values.size() == b.db.values.size(),
              "dW and db have a size that depends on the number of tokens");
    for (size_t i = 0; i < dw.values.size(); ++i) dw.values[i] += b.dw.values[i];
    for (size_t i = 0; i < db.values.size(); ++i) db.values[i] += b.db.values[i];
    t.equal("dW", whole.dw, dw);
    t.equal("db", whole.db, db);
  });
  return t.result();
}
