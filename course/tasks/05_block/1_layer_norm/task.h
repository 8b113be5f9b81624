// Task 5.1: layer normalisation.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

// y = w (x - mean) / sqrt(variance + eps) + b, mean and variance by row; the variance divides by
// the number of columns.   x (n, d), w and b (1, d); the result is (n, d).
Matrix layer_norm(const Matrix& x, const Matrix& w, const Matrix& b, double eps);

struct Gradients {
  Matrix dw, db;
};

// The gradients of w and b, given dy (n, d).
Gradients layer_norm_backward(const Matrix& dy, const Matrix& x, double eps);

}  // namespace task
