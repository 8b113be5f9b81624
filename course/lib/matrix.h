// A matrix of numbers for the course's tasks: small, and checked at every access.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace course {

struct Matrix {
  int rows = 0, cols = 0;
  std::vector<double> values;  // row after row

  Matrix() = default;
  Matrix(int r, int c, double value = 0)
      : rows(r), cols(c), values(static_cast<size_t>(r) * static_cast<size_t>(c), value) {}
  Matrix(int r, int c, std::vector<double> v) : rows(r), cols(c), values(std::move(v)) {
    if (values.size() != static_cast<size_t>(r) * static_cast<size_t>(c))
      throw std::out_of_range("a matrix of " + shape() + " from " + std::to_string(values.size()) +
                              " values");
  }

  double& operator()(int r, int c) { return values[at(r, c)]; }
  double operator()(int r, int c) const { return values[at(r, c)]; }
  std::string shape() const { return std::to_string(rows) + " x " + std::to_string(cols); }
  bool operator==(const Matrix&) const = default;

 private:
  size_t at(int r, int c) const {
    if (r < 0 || r >= rows || c < 0 || c >= cols)
      throw std::out_of_range("row " + std::to_string(r) + ", column " + std::to_string(c) +
                              " of a matrix of " + shape() + " does not exist");
    return static_cast<size_t>(r) * static_cast<size_t>(cols) + static_cast<size_t>(c);
  }
};

inline Matrix transposed(const Matrix& m) {
  Matrix t(m.cols, m.rows);
  for (int r = 0; r < m.rows; ++r)
    for (int c = 0; c < m.cols; ++c) t(c, r) = m(r, c);
  return t;
}

inline Matrix scaled(Matrix m, double factor) {
  for (double& v : m.values) v *= factor;
  return m;
}

// How often multiply() was called, and the operations of all its products: what a task costs.
inline int& products() {
  static int count = 0;
  return count;
}
inline double& flops() {
  static double count = 0;
  return count;
}

// a b. Throws if a's columns are not as many as b's rows.
inline Matrix multiply(const Matrix& a, const Matrix& b) {
  if (a.cols != b.rows)
    throw std::invalid_argument("multiply: " + a.shape() + " times " + b.shape() +
                                " does not exist: columns of the left must be rows of the right");
  ++products();
  flops() += 2.0 * a.rows * a.cols * b.cols;
  Matrix out(a.rows, b.cols);
  for (int r = 0; r < a.rows; ++r)
    for (int k = 0; k < a.cols; ++k)
      for (int c = 0; c < b.cols; ++c) out(r, c) += a(r, k) * b(k, c);
  return out;
}

// Numbers between -1 and 1 that look random and are the same on every machine.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 2654435769u + 12345) {}
  double next() { return 2 * uniform() - 1; }
  // In [0, 1).
  double uniform() {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }
  int below(int n) { return static_cast<int>(uniform() * n); }
  Matrix matrix(int rows, int cols) {
    Matrix m(rows, cols);
    for (double& v : m.values) v = next();
    return m;
  }

 private:
  uint64_t state_;
};

// The derivative of f() with respect to every element of x, by central differences; x is put back.
inline Matrix numeric_gradient(Matrix& x, const std::function<double()>& f, double h = 1e-5) {
  Matrix gradient(x.rows, x.cols);
  for (size_t i = 0; i < x.values.size(); ++i) {
    const double before = x.values[i];
    x.values[i] = before + h;
    const double above = f();
    x.values[i] = before - h;
    const double below = f();
    x.values[i] = before;
    gradient.values[i] = (above - below) / (2 * h);
  }
  return gradient;
}

// Sum of all products of elements: turns a matrix into one number whose gradient is `weights`.
inline double weighed_sum(const Matrix& m, const Matrix& weights) {
  double sum = 0;
  for (size_t i = 0; i < m.values.size(); ++i) sum += m.values[i] * weights.values[i];
  return sum;
}

}  // namespace course
