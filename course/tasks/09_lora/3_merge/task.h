// Task 9.3: folding what was learned into the weights.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

struct Layer {
  Matrix w, b;  // (out, in), (1, out): y = x W^T + b
};

// LoRA: W += scale B A. Afterwards B is zero, so that the layer with its update computes the same
// as before, and merging again changes nothing.
void merge_lora(Layer& layer, const Matrix& a, Matrix& b, double scale);

// IA3 at keys and values: y = l * (x W^T + b), l (1, out). Afterwards l is all ones.
void merge_ia3_output(Layer& layer, Matrix& l);

// IA3 at the second feed-forward layer: y = (x * l) W^T + b, l (1, in). Afterwards l is all ones.
void merge_ia3_input(Layer& layer, Matrix& l);

}  // namespace task
