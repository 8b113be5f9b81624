#include "course/lib/check.h"
#include "task.h"

using task::Cost;
using task::Layer;

namespace {

std::vector<Layer> stack(bool weights, bool biases) {
  return {{4, 8, weights, biases}, {8, 8, weights, biases}, {8, 3, weights, biases}};
}

}  // namespace

int main() {
  course::Test t = course::test("The need rule");

  t.check("nothing learns: forward alone", [&] {
    const Cost c = task::cost(stack(false, false), 5);
    t.equal("forward products", c.forward, 3);
    t.equal("gradients of inputs", c.input_gradients, 0);
    t.equal("gradients of weights", c.weight_gradients, 0);
    t.equal("FLOPs", c.flops, 2 * 5 * (4 * 8 + 8 * 8 + 8 * 3),
            {{5 * (4 * 8 + 8 * 8 + 8 * 3), "a multiplication and an addition are two operations"}});
    t.equal("kept", c.kept, 0, {{5 * 20, "no weight learns, so no input is kept"}});
  });
  t.check("everything learns: the data needs no gradient", [&] {
    const Cost c = task::cost(stack(true, true), 5);
    t.equal("gradients of inputs", c.input_gradients, 2,
            {{3, "the first layer's input is the data: nobody wants its gradient"}});
    t.equal("gradients of weights", c.weight_gradients, 3);
    t.equal("kept", c.kept, 5 * (4 + 8 + 8), {{5 * (8 + 8 + 3), "inputs are kept, not outputs"}});
  });
  t.check("biases learn: no gradient of a weight, nothing kept", [&] {
    const Cost c = task::cost(stack(false, true), 5);
    t.equal("gradients of inputs", c.input_gradients, 2,
            {{0, "the biases below want their gradient: it has to pass through the layers above"},
             {3, "the first layer's input is the data: nobody wants its gradient"}});
    t.equal("gradients of weights", c.weight_gradients, 0);
    t.equal("kept", c.kept, 0, {{5 * 20, "no weight learns, so no input is kept"}});
    t.equal("FLOPs", c.flops, 2 * 5 * (4 * 8 + 2 * 8 * 8 + 2 * 8 * 3));
  });
  t.check("only the lowest bias learns", [&] {
    const Cost c = task::cost({{4, 8, false, true}, {8, 8, false, false}, {8, 3, false, false}}, 5);
    t.equal("gradients of inputs", c.input_gradients, 2);
    t.equal("FLOPs", c.flops, 2 * 5 * (4 * 8 + 2 * 8 * 8 + 2 * 8 * 3));
  });
  t.check("only the last layer learns", [&] {
    const Cost c = task::cost({{4, 8, false, false}, {8, 8, false, false}, {8, 3, true, true}}, 5);
    t.equal("gradients of inputs", c.input_gradients, 0);
    t.equal("gradients of weights", c.weight_gradients, 1);
    t.equal("kept", c.kept, 5 * 8);
  });
  t.check("a frozen weight never costs a product or an input (all 64 ways of a stack)", [&] {
    for (int ways = 0; ways < 64; ++ways) {
      std::vector<Layer> layers = stack(false, false);
      int weights = 0, kept = 0, lowest = 3;
      for (int l = 2; l >= 0; --l) {
        Layer& layer = layers[static_cast<size_t>(l)];
        layer.weight_learns = ways >> (2 * l) & 1;
        layer.bias_learns = ways >> (2 * l + 1) & 1;
        if (layer.weight_learns) ++weights, kept += 7 * layer.in;
        if (layer.weight_learns || layer.bias_learns) lowest = l;
      }
      const Cost c = task::cost(layers, 7);
      const std::string what = " (way " + std::to_string(ways) + ")";
      t.equal("gradients of weights" + what, c.weight_gradients, weights);
      t.equal("kept" + what, c.kept, kept);
      t.equal("gradients of inputs" + what, c.input_gradients, lowest == 3 ? 0 : 2 - lowest);
    }
  });
  return t.result();
}
