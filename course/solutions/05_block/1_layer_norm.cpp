#include "task.h"

namespace task {

static Matrix normalised(const Matrix& x, double eps) {
  Matrix y = x;
  for (int r = 0; r < x.rows; ++r) {
    double mean = 0, variance = 0;
    for (int c = 0; c < x.cols; ++c) mean += x(r, c) / x.cols;
    for (int c = 0; c < x.cols; ++c) variance += (x(r, c) - mean) * (x(r, c) - mean) / x.cols;
    const double root = std::sqrt(variance + eps);
    for (int c = 0; c < x.cols; ++c) y(r, c) = (x(r, c) - mean) / root;
  }
  return y;
}

Matrix layer_norm(const Matrix& x, const Matrix& w, const Matrix& b, double eps) {
  Matrix y = normalised(x, eps);
  for (int r = 0; r < x.rows; ++r)
    for (int c = 0; c < x.cols; ++c) y(r, c) = w(0, c) * y(r, c) + b(0, c);
  return y;
}

Gradients layer_norm_backward(const Matrix& dy, const Matrix& x, double eps) {
  const Matrix normal = normalised(x, eps);
  Gradients g{Matrix(1, x.cols), Matrix(1, x.cols)};
  for (int r = 0; r < x.rows; ++r)
    for (int c = 0; c < x.cols; ++c) {
      g.dw(0, c) += dy(r, c) * normal(r, c);
      g.db(0, c) += dy(r, c);
    }
  return g;
}

}  // namespace task
