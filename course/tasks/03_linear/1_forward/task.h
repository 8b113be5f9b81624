// Task 3.1: a linear layer.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

// y = x W^T + b.   x (n, in), w (out, in), b (1, out); the result is (n, out).
Matrix linear(const Matrix& x, const Matrix& w, const Matrix& b);

}  // namespace task
