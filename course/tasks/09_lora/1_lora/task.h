// Task 9.1: LoRA, forward.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

struct Lora {
  Matrix a, b;  // (r, in), (out, r)
  double scale = 0;
};

// As it begins: A uniform in -1/sqrt(in) .. 1/sqrt(in) (numbers.next() is uniform in -1 .. 1), B
// such that the layer computes what it did before, scale = alpha / r.
Lora make_lora(int in, int out, int r, double alpha, course::Numbers& numbers);

// x W^T + bias + scale (x A^T) B^T.   x (n, in), w (out, in), bias (1, out). Multiply matrices with
// course::multiply: the test counts operations.
Matrix forward(const Matrix& x, const Matrix& w, const Matrix& bias, const Lora& lora);

// Numbers that learn at a layer.
long parameters(int in, int out, int r);

}  // namespace task
