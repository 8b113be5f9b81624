#include "task.h"

namespace task {

Cost cost(const std::vector<Layer>& layers, int n) {
  Cost c;
  bool below = false;  // whether something below the layer learns
  for (const Layer& layer : layers) {
    const int products = 1 + below + layer.weight_learns;
    c.forward += 1;
    c.input_gradients += below;
    c.weight_gradients += layer.weight_learns;
    c.flops += products * 2.0 * n * layer.in * layer.out;
    if (layer.weight_learns) c.kept += n * layer.in;
    below = below || layer.weight_learns || layer.bias_learns;
  }
  return c;
}

}  // namespace task
