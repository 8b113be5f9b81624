// Task 3.3: backward through a stack of linear layers, some of them frozen.
#pragma once

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

struct Layer {
  Matrix w, b;  // (out, in), (1, out)
  bool weight_learns = true, bias_learns = true;
  Matrix dw, db;  // the gradients; stay empty (0 x 0) for what does not learn
};

// y of the last layer, and what backward will need. inputs[i] is the input of layer i if it must be
// kept, else an empty matrix.
struct Forward {
  Matrix y;
  std::vector<Matrix> inputs;  // as many as layers
};
Forward forward(const Matrix& x, const std::vector<Layer>& layers);

// Sets dw and db of what learns, given dy of the last layer's output. Makes no product that is not
// needed: the test counts calls of course::multiply, the only way to multiply matrices here.
void backward(const Matrix& dy, const Forward& kept, std::vector<Layer>& layers);

}  // namespace task
