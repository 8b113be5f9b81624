#include <algorithm>

#include "task.h"

namespace task {

std::vector<double> log_sum_exp(const Matrix& s) {
  std::vector<double> result;
  for (int r = 0; r < s.rows; ++r) {
    double most = s(r, 0), sum = 0;
    for (int c = 1; c < s.cols; ++c) most = std::max(most, s(r, c));
    for (int c = 0; c < s.cols; ++c) sum += std::exp(s(r, c) - most);
    result.push_back(most + std::log(sum));
  }
  return result;
}

Matrix softmax(const Matrix& s) {
  const std::vector<double> lse = log_sum_exp(s);
  Matrix p(s.rows, s.cols);
  for (int r = 0; r < s.rows; ++r)
    for (int c = 0; c < s.cols; ++c) p(r, c) = std::exp(s(r, c) - lse[static_cast<size_t>(r)]);
  return p;
}

}  // namespace task
