#include "task.h"

namespace task {

std::vector<int> needs(const std::vector<int>& trainable, const std::vector<Op>& ops) {
  std::vector<int> result = trainable;
  for (const Op& op : ops) {
    int any = 0;
    for (const int input : op.inputs) any |= result[static_cast<size_t>(input)];
    result.push_back(any);
  }
  return result;
}

std::vector<int> backward_order(const std::vector<int>& trainable, const std::vector<Op>& ops) {
  const std::vector<int> needed = needs(trainable, ops);
  std::vector<int> order, reached(needed.size(), 0);
  reached.back() = 1;
  for (size_t o = ops.size(); o-- > 0;) {
    const size_t output = trainable.size() + o;
    if (!needed[output] || !reached[output]) continue;
    order.push_back(static_cast<int>(o));
    for (const int input : ops[o].inputs) reached[static_cast<size_t>(input)] = 1;
  }
  return order;
}

}  // namespace task
