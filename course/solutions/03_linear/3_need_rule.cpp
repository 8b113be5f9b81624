#include "task.h"

namespace task {

Forward forward(const Matrix& x, const std::vector<Layer>& layers) {
  Forward f;
  f.y = x;
  for (const Layer& layer : layers) {
    f.inputs.push_back(layer.weight_learns ? f.y : Matrix());
    f.y = multiply(f.y, transposed(layer.w));
    for (int r = 0; r < f.y.rows; ++r)
      for (int c = 0; c < f.y.cols; ++c) f.y(r, c) += layer.b(0, c);
  }
  return f;
}

void backward(const Matrix& dy, const Forward& kept, std::vector<Layer>& layers) {
  size_t lowest = 0;
  while (lowest < layers.size() && !layers[lowest].weight_learns && !layers[lowest].bias_learns)
    ++lowest;
  Matrix gradient = dy;
  for (size_t l = layers.size(); l-- > lowest;) {
    Layer& layer = layers[l];
    if (layer.weight_learns) layer.dw = multiply(transposed(gradient), kept.inputs[l]);
    if (layer.bias_learns) {
      layer.db = Matrix(1, gradient.cols);
      for (int r = 0; r < gradient.rows; ++r)
        for (int c = 0; c < gradient.cols; ++c) layer.db(0, c) += gradient(r, c);
    }
    if (l > lowest) gradient = multiply(gradient, layer.w);
  }
}

}  // namespace task
