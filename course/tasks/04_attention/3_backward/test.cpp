#include "course/lib/check.h"
#include "task.h"

using course::Matrix;

namespace {

Matrix softmax(Matrix s) {
  for (int r = 0; r < s.rows; ++r) {
    double sum = 0;
    for (int c = 0; c < s.cols; ++c) sum += s(r, c) = std::exp(s(r, c));
    for (int c = 0; c < s.cols; ++c) s(r, c) /= sum;
  }
  return s;
}

Matrix forward(const Matrix& q, const Matrix& k, const Matrix& v) {
  Matrix s = multiply(q, transposed(k));
  for (double& x : s.values) x /= std::sqrt(double(q.cols));
  return multiply(softmax(s), v);
}

}  // namespace

int main() {
  course::Test t = course::test("Backward");
  course::Numbers numbers(3);
  const int n = 4, d = 3;
  Matrix q = numbers.matrix(n, d), k = numbers.matrix(n, d), v = numbers.matrix(n, d);
  const Matrix d_out = numbers.matrix(n, d);

  t.check("softmax backward, against central differences", [&] {
    Matrix s = numbers.matrix(3, 4);
    const Matrix dp = numbers.matrix(3, 4), p = softmax(s);
    Matrix without = p;
    for (size_t i = 0; i < p.values.size(); ++i) without.values[i] *= dp.values[i];
    t.equal("dS", task::softmax_backward(p, dp),
            numeric_gradient(s, [&] { return weighed_sum(softmax(s), dp); }),
            {{without,
              "the row sum of P dP is missing: every score has a part in every share of its "
              "row"}},
            1e-7);
  });
  t.check("the score gradients of a query sum to zero", [&] {
    const Matrix ds = task::softmax_backward(softmax(numbers.matrix(5, 6)), numbers.matrix(5, 6));
    for (int r = 0; r < 5; ++r) {
      double sum = 0;
      for (int c = 0; c < 6; ++c) sum += ds(r, c);
      t.equal("sum of row " + std::to_string(r), sum, 0, {}, 1e-12);
    }
  });
  t.check("dV, dQ and dK, against central differences", [&] {
    const auto loss = [&] { return weighed_sum(forward(q, k, v), d_out); };
    const auto got = task::attention_backward(d_out, q, k, v);
    const double root = std::sqrt(double(d));
    t.equal("dV", got.dv, numeric_gradient(v, loss), {}, 1e-7);
    const Matrix dq = numeric_gradient(q, loss), dk = numeric_gradient(k, loss);
    t.equal("dQ", got.dq, dq,
            {{scaled(dq, root), "the scale 1/sqrt(d) is missing in backward"}, {dk, "this is dK"}},
            1e-7);
    t.equal("dK", got.dk, dk,
            {{scaled(dk, root), "the scale 1/sqrt(d) is missing in backward"}, {dq, "this is dQ"}},
            1e-7);
  });
  t.check("a bias of the keys gets no gradient: dK sums to zero over the keys", [&] {
    const auto got = task::attention_backward(d_out, q, k, v);
    for (int c = 0; c < d; ++c) {
      double sum = 0;
      for (int j = 0; j < n; ++j) sum += got.dk(j, c);
      t.equal("gradient of the key bias, column " + std::to_string(c), sum, 0, {}, 1e-12);
    }
  });
  t.check("a bias of the values gets the sum of dO", [&] {
    const auto got = task::attention_backward(d_out, q, k, v);
    for (int c = 0; c < d; ++c) {
      double sum = 0, expected = 0;
      for (int j = 0; j < n; ++j) sum += got.dv(j, c), expected += d_out(j, c);
      t.equal("column " + std::to_string(c), sum, expected);
    }
  });
  return t.result();
}
