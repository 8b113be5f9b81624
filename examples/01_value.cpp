// The derivative of a number, and a neuron that learns from it. Nothing but
// engine/autograd/value.h.
//
// Output:
//   x = 3: y = x^2 + 2 x = 15, dy/dx = 2 x + 2 = 8
//   step   0  loss 2.000
//   step  20  loss 0.037
//   step  40  loss 0.018
//   step  60  loss 0.012
//   w = 1.617, b = 0.000: tanh(w x + b) is -0.924 at -1 and 0.924 at 1

#include <cstdio>
#include <utility>
#include <vector>

#include "engine/autograd/value.h"

using tour::Value;

int main() {
  // Every op computes at once and remembers what it was made from.
  const Value x = 3, y = x * x + 2 * x;
  y.backward();
  std::printf("x = %g: y = x^2 + 2 x = %g, dy/dx = 2 x + 2 = %g\n", x.data(), y.data(), x.grad());

  // A neuron tanh(w x + b) learns that -1 belongs to -1 and 1 to 1.
  const std::vector<std::pair<double, double>> points = {{-1, -1}, {1, 1}};
  Value w = 0.0, b = 0.0;
  for (int step = 0; step <= 60; ++step) {
    Value loss = 0.0;
    for (const auto& [input, target] : points) loss = loss + square(tanh(w * input + b) - target);
    if (step % 20 == 0) std::printf("step %3d  loss %.3f\n", step, loss.data());
    loss.backward();                           // gradients
    for (Value* p : {&w, &b}) p->nudge(-0.1);  // a step downhill
  }
  std::printf("w = %.3f, b = %.3f: tanh(w x + b) is %.3f at -1 and %.3f at 1\n", w.data(), b.data(),
              tanh(w * -1 + b).data(), tanh(w * 1 + b).data());
}
