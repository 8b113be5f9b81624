// The whole idea in a hundred lines: reverse-mode differentiation of single numbers. A tour for
// students; the engine's graph.h is the same with matrices, and nothing here is used by it.
//
//   Value x = 3, y = x * x + 2 * x;     // computes at once: y.data() == 15
//   y.backward();                       // x.grad() == dy/dx == 2 x + 2 == 8
//
// Every number remembers which numbers it was made from and its derivative with respect to each. If
// y depends on x by several ways, the chain rule says: multiply along each way, add over the ways.
// backward() does it for all x at once, by visiting numbers from the result down (a topological
// order), so that a number's gradient is complete before it is passed on.
//
// Fitting a neuron to points, which is all of training in three lines:
//
//   Value w = 0.1, b = 0.0;
//   for (int step = 0; step < 200; ++step) {
//     Value loss = 0.0;
//     for (const auto& [x, target] : points) loss = loss + square(tanh(w * x + b) - target);
//     loss.backward();                                   // 1. gradients
//     for (Value* p : {&w, &b}) p->nudge(-0.1);          // 2. a step downhill
//   }                                                    // 3. again
#pragma once

#include <cmath>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tour {

class Value {
 public:
  // NOLINTNEXTLINE: 2 * x wants it implicit
  Value(double data) : node_(std::make_shared<Node>()) { node_->data = data; }

  double data() const { return node_->data; }
  double grad() const { return node_->grad; }

  // data += step * grad: gradient descent when step is negative.
  void nudge(double step) { node_->data += step * node_->grad; }

  // Sets grad() of every number that this one was made from.
  void backward() const {
    const std::vector<Node*> order = inputs_first();
    for (Node* node : order) node->grad = 0;
    node_->grad = 1;  // dy/dy
    for (size_t i = order.size(); i-- > 0;)
      for (const auto& [input, derivative] : order[i]->inputs)
        input->grad += order[i]->grad * derivative;  // the chain rule
  }

  // Each op is one line: the value, and the derivative with respect to each input.
  friend Value operator+(const Value& a, const Value& b) {
    return {a.data() + b.data(), {{a, 1}, {b, 1}}};
  }
  friend Value operator-(const Value& a, const Value& b) {
    return {a.data() - b.data(), {{a, 1}, {b, -1}}};
  }
  friend Value operator*(const Value& a, const Value& b) {
    return {a.data() * b.data(), {{a, b.data()}, {b, a.data()}}};
  }
  friend Value operator/(const Value& a, const Value& b) {
    return {a.data() / b.data(), {{a, 1 / b.data()}, {b, -a.data() / (b.data() * b.data())}}};
  }
  friend Value operator-(const Value& a) { return {-a.data(), {{a, -1}}}; }
  friend Value exp(const Value& a) {
    const double y = std::exp(a.data());
    return {y, {{a, y}}};
  }
  friend Value log(const Value& a) { return {std::log(a.data()), {{a, 1 / a.data()}}}; }
  friend Value tanh(const Value& a) {
    const double y = std::tanh(a.data());
    return {y, {{a, 1 - y * y}}};
  }
  friend Value relu(const Value& a) {
    return {a.data() > 0 ? a.data() : 0.0, {{a, a.data() > 0 ? 1.0 : 0.0}}};
  }
  friend Value square(const Value& a) { return {a.data() * a.data(), {{a, 2 * a.data()}}}; }

 private:
  struct Node {
    double data = 0, grad = 0;
    std::vector<std::pair<std::shared_ptr<Node>, double>> inputs;  // and d(this) / d(input)

    // Frees the numbers that nobody else has in a loop: by recursion, a sum of 200,000 terms would
    // go as deep as that.
    ~Node() {
      auto freed = std::move(inputs);
      while (!freed.empty()) {
        const std::shared_ptr<Node> node = std::move(freed.back().first);
        freed.pop_back();
        if (node.use_count() > 1) continue;
        for (auto& input : node->inputs) freed.push_back(std::move(input));
        node->inputs.clear();
      }
    }
  };

  Value(double data, std::vector<std::pair<Value, double>> inputs) : Value(data) {
    for (auto& [input, derivative] : inputs) node_->inputs.emplace_back(input.node_, derivative);
  }

  // Every number that this one was made from, each after its own inputs; this one last. A
  // depth-first visit with its own stack.
  std::vector<Node*> inputs_first() const {
    std::vector<Node*> order;
    std::unordered_set<Node*> seen{node_.get()};
    std::vector<std::pair<Node*, size_t>> stack{{node_.get(), 0}};  // and its next input to visit
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == node->inputs.size()) {
        order.push_back(node);
        stack.pop_back();
      } else if (Node* input = node->inputs[next++].first.get(); seen.insert(input).second) {
        stack.emplace_back(input, 0);
      }
    }
    return order;
  }

  std::shared_ptr<Node> node_;
};

}  // namespace tour
