#include <algorithm>

#include "task.h"

namespace task {

Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v, bool causal) {
  Matrix s = multiply(q, transposed(k));
  const double scale = 1 / std::sqrt(double(q.cols));
  for (int i = 0; i < s.rows; ++i) {
    const int sees = causal ? i + 1 : s.cols;
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < sees; ++j) most = std::max(most, s(i, j) *= scale);
    for (int j = 0; j < sees; ++j) sum += s(i, j) = std::exp(s(i, j) - most);
    for (int j = 0; j < s.cols; ++j) s(i, j) = j < sees ? s(i, j) / sum : 0;
  }
  return multiply(s, v);
}

}  // namespace task
