// Task 4.2: attention of one head over one sequence.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

// O = softmax(Q K^T / sqrt(d)) V.   q, k, v (n, d); the result is (n, d). If `causal`, token i sees
// the keys 0 to i, itself included.
Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v, bool causal);

}  // namespace task
