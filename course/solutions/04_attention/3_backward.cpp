#include "task.h"

namespace task {

Matrix softmax_backward(const Matrix& p, const Matrix& dp) {
  Matrix ds(p.rows, p.cols);
  for (int r = 0; r < p.rows; ++r) {
    double sum = 0;
    for (int c = 0; c < p.cols; ++c) sum += p(r, c) * dp(r, c);
    for (int c = 0; c < p.cols; ++c) ds(r, c) = p(r, c) * (dp(r, c) - sum);
  }
  return ds;
}

Gradients attention_backward(const Matrix& d_out, const Matrix& q, const Matrix& k,
                             const Matrix& v) {
  const double scale = 1 / std::sqrt(double(q.cols));
  Matrix p = multiply(q, transposed(k));
  for (int r = 0; r < p.rows; ++r) {
    double sum = 0;
    for (int c = 0; c < p.cols; ++c) sum += p(r, c) = std::exp(scale * p(r, c));
    for (int c = 0; c < p.cols; ++c) p(r, c) /= sum;
  }
  Gradients g;
  g.dv = multiply(transposed(p), d_out);
  Matrix ds = softmax_backward(p, multiply(d_out, transposed(v)));
  for (double& x : ds.values) x *= scale;
  g.dq = multiply(ds, k);
  g.dk = multiply(transposed(ds), q);
  return g;
}

}  // namespace task
