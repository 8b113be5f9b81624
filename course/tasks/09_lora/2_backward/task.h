// Task 9.2: LoRA, backward.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

struct Lora {
  Matrix a, b;  // (r, in), (out, r)
  double scale = 0;
};

// What forward leaves for backward, beside the weights: x (n, in) and t = x A^T (n, r).
struct Kept {
  Matrix x, t;
};

struct Gradients {
  Matrix da, db;  // of A and B
  Matrix dx;      // stays empty (0 x 0) if nothing below learns
};

// Of y = x W^T + scale (x A^T) B^T with a frozen W, given dy (n, out). Makes no product that is not
// needed (course::multiply is counted).
Gradients backward(const Matrix& dy, const Kept& kept, const Matrix& w, const Lora& lora,
                   bool something_below_learns);

}  // namespace task
