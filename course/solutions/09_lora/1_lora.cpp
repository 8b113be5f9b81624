#include "task.h"

namespace task {

Lora make_lora(int in, int out, int r, double alpha, course::Numbers& numbers) {
  Lora lora{numbers.matrix(r, in), Matrix(out, r), alpha / r};
  for (double& v : lora.a.values) v /= std::sqrt(double(in));
  return lora;
}

Matrix forward(const Matrix& x, const Matrix& w, const Matrix& bias, const Lora& lora) {
  Matrix y = multiply(x, transposed(w));
  const Matrix update = multiply(multiply(x, transposed(lora.a)), transposed(lora.b));
  for (int r = 0; r < y.rows; ++r)
    for (int c = 0; c < y.cols; ++c) y(r, c) += bias(0, c) + lora.scale * update(r, c);
  return y;
}

long parameters(int in, int out, int r) { return static_cast<long>(r) * (in + out); }

}  // namespace task
