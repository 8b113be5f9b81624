#include "task.h"

namespace task {

Gradients linear_backward(const Matrix& dy, const Matrix& x, const Matrix& w) {
  Gradients g;
  g.dx = multiply(dy, w);
  g.dw = multiply(transposed(dy), x);
  g.db = Matrix(1, dy.cols);
  for (int r = 0; r < dy.rows; ++r)
    for (int c = 0; c < dy.cols; ++c) g.db(0, c) += dy(r, c);
  return g;
}

}  // namespace task
