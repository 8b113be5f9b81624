// Task 3.2: the three gradients of a linear layer.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

struct Gradients {
  Matrix dx, dw, db;  // of the shapes of x, w and b
};

// Of y = x W^T + b, given dy (n, out).   x (n, in), w (out, in), b (1, out).
Gradients linear_backward(const Matrix& dy, const Matrix& x, const Matrix& w);

}  // namespace task
