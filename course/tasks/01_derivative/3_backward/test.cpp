#include "course/lib/check.h"
#include "task.h"

using task::Node;

namespace {

// A formula of sums and products, and its value: what the gradients are compared with.
struct Formula {
  std::vector<double> inputs;
  struct Step {
    bool product;
    int a, b;
  };
  std::vector<Step> steps;

  std::vector<double> values() const {
    std::vector<double> v = inputs;
    for (const Step& s : steps) {
      const double a = v[static_cast<size_t>(s.a)], b = v[static_cast<size_t>(s.b)];
      v.push_back(s.product ? a * b : a + b);
    }
    return v;
  }
  std::vector<Node> nodes() const {
    const std::vector<double> v = values();
    std::vector<Node> all(inputs.size());
    for (const Step& s : steps)
      all.push_back({{s.a, s.b},
                     {s.product ? v[static_cast<size_t>(s.b)] : 1,
                      s.product ? v[static_cast<size_t>(s.a)] : 1}});
    return all;
  }
};

}  // namespace

int main() {
  course::Test t = course::test("Going backward");

  t.check("a chain: derivatives multiply", [&] {
    t.equal("gradients", task::backward({{{}, {}}, {{0}, {3}}, {{1}, {-2}}}), {-6, -2, 1},
            {{{0, 0, 1}, "only the result has a gradient: pass it on to the inputs"},
             {{3, -2, 1}, "this is the local derivative: multiply it by the gradient"},
             {{0, -2, 1},
              "go from the result down: number 0 was served before number 1 had its "
              "gradient"}});
  });

  t.check("x x + 2 x at 3: a number that is used more than once", [&] {
    // 0: x, 1: the number 2, 2: x x, 3: 2 x, 4: the sum
    const std::vector<Node> nodes = {
        {{}, {}}, {{}, {}}, {{0, 0}, {3, 3}}, {{1, 0}, {3, 2}}, {{2, 3}, {1, 1}}};
    t.equal("gradients", task::backward(nodes), {8, 3, 1, 1, 1},
            {{{3, 3, 1, 1, 1}, "the last use of x has written over the others: add them up (+=)"},
             {{2, 3, 1, 1, 1}, "the last use of x has written over the others: add them up (+=)"}});
  });

  t.check("a number that the result does not depend on has the gradient 0", [&] {
    t.equal("gradients", task::backward({{{}, {}}, {{}, {}}, {{0}, {5}}}), {5, 0, 1});
  });

  t.check("sums and products of 30 steps, against central differences", [&] {
    course::Numbers numbers(3);
    Formula f;
    for (int i = 0; i < 4; ++i) f.inputs.push_back(0.5 * numbers.next() + 0.5);
    for (int i = 0; i < 30; ++i) {
      const int made = static_cast<int>(f.inputs.size() + f.steps.size());
      f.steps.push_back({numbers.below(2) == 0, numbers.below(made), i < 29 ? made - 1 : made - 2});
    }
    const std::vector<double> got = task::backward(f.nodes());
    t.require(got.size() == 34, "34 numbers, and " + std::to_string(got.size()) + " gradients");
    for (size_t i = 0; i < 4; ++i) {
      const double h = 1e-5, before = f.inputs[i];
      f.inputs[i] = before + h;
      const double above = f.values().back();
      f.inputs[i] = before - h;
      const double below = f.values().back();
      f.inputs[i] = before;
      t.equal("gradient of input " + std::to_string(i), got[i], (above - below) / (2 * h), {},
              1e-5);
    }
  });

  t.check("doubling 60 times: every node is visited once, not every way", [&] {
    std::vector<Node> nodes(1);
    for (int i = 0; i < 60; ++i) nodes.push_back({{i, i}, {1, 1}});
    t.equal("gradient of the first", task::backward(nodes)[0], std::pow(2.0, 60),
            {{1, "the second use of a node has written over the first: add them up (+=)"}});
  });
  return t.result();
}
