#include "task.h"

namespace task {

std::vector<double> backward(const std::vector<Node>& nodes) {
  std::vector<double> gradients(nodes.size(), 0.0);
  gradients.back() = 1;
  for (size_t i = nodes.size(); i-- > 0;)
    for (size_t k = 0; k < nodes[i].inputs.size(); ++k)
      gradients[static_cast<size_t>(nodes[i].inputs[k])] += gradients[i] * nodes[i].derivatives[k];
  return gradients;
}

}  // namespace task
