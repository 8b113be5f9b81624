#include "task.h"

namespace task {

void merge_lora(Layer& layer, const Matrix& a, Matrix& b, double scale) {
  const Matrix update = multiply(b, a);
  for (size_t i = 0; i < update.values.size(); ++i) layer.w.values[i] += scale * update.values[i];
  b = Matrix(b.rows, b.cols);
}

void merge_ia3_output(Layer& layer, Matrix& l) {
  for (int r = 0; r < layer.w.rows; ++r) {
    for (int c = 0; c < layer.w.cols; ++c) layer.w(r, c) *= l(0, r);
    layer.b(0, r) *= l(0, r);
  }
  l = Matrix(1, l.cols, 1.0);
}

void merge_ia3_input(Layer& layer, Matrix& l) {
  for (int r = 0; r < layer.w.rows; ++r)
    for (int c = 0; c < layer.w.cols; ++c) layer.w(r, c) *= l(0, c);
  l = Matrix(1, l.cols, 1.0);
}

}  // namespace task
