// Task 4.3: attention, backward.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

// Gradient of the scores, given that of the shares.   p, dp (n, m); p are shares, row by row.
Matrix softmax_backward(const Matrix& p, const Matrix& dp);

struct Gradients {
  Matrix dq, dk, dv;
};

// Of O = softmax(Q K^T / sqrt(d)) V without a mask, given dO. The shares are made again, as the
// engine does.   q, k, v, d_out (n, d).
Gradients attention_backward(const Matrix& d_out, const Matrix& q, const Matrix& k,
                             const Matrix& v);

}  // namespace task
