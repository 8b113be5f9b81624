#include "course/lib/check.h"
#include "task.h"

using course::Matrix;
using task::Layer;

namespace {

std::vector<Layer> stack(course::Numbers& numbers, int ways) {
  const int sizes[] = {3, 4, 4, 2};
  std::vector<Layer> layers;
  for (int l = 0; l < 3; ++l) {
    Layer layer;
    layer.w = numbers.matrix(sizes[l + 1], sizes[l]);
    layer.b = numbers.matrix(1, sizes[l + 1]);
    layer.weight_learns = ways >> (2 * l) & 1;
    layer.bias_learns = ways >> (2 * l + 1) & 1;
    layers.push_back(layer);
  }
  return layers;
}

Matrix plain_forward(Matrix x, const std::vector<Layer>& layers) {
  for (const Layer& layer : layers) {
    x = multiply(x, transposed(layer.w));
    for (int r = 0; r < x.rows; ++r)
      for (int c = 0; c < x.cols; ++c) x(r, c) += layer.b(0, c);
  }
  return x;
}

std::string who_learns(const std::vector<Layer>& layers) {
  std::string text;
  for (size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].weight_learns) text += " W" + std::to_string(l);
    if (layers[l].bias_learns) text += " b" + std::to_string(l);
  }
  return text.empty() ? "nothing learns" : "learning:" + text;
}

}  // namespace

int main() {
  course::Test t = course::test("What it costs");

  t.check("values", [&] {
    course::Numbers numbers(4);
    const Matrix x = numbers.matrix(5, 3);
    const std::vector<Layer> layers = stack(numbers, 63);
    t.equal("y", task::forward(x, layers).y, plain_forward(x, layers));
  });
  t.check("gradients of all 64 ways to freeze, against central differences", [&] {
    for (int ways = 0; ways < 64; ++ways) {
      course::Numbers numbers(5);
      const Matrix x = numbers.matrix(3, 3), dy = numbers.matrix(3, 2);
      std::vector<Layer> layers = stack(numbers, ways);
      task::backward(dy, task::forward(x, layers), layers);
      const std::string who = " (" + who_learns(layers) + ")";
      for (size_t l = 0; l < 3; ++l) {
        const auto loss = [&] { return weighed_sum(plain_forward(x, layers), dy); };
        const std::string name = std::to_string(l);
        t.equal("dW" + name + who, layers[l].dw,
                layers[l].weight_learns ? numeric_gradient(layers[l].w, loss) : Matrix(), {}, 1e-6);
        t.equal("db" + name + who, layers[l].db,
                layers[l].bias_learns ? numeric_gradient(layers[l].b, loss) : Matrix(), {}, 1e-6);
      }
    }
  });
  t.check("products of all 64 ways to freeze", [&] {
    for (int ways = 0; ways < 64; ++ways) {
      course::Numbers numbers(6);
      const Matrix x = numbers.matrix(3, 3), dy = numbers.matrix(3, 2);
      std::vector<Layer> layers = stack(numbers, ways);
      int weights = 0, lowest = 3;
      for (int l = 2; l >= 0; --l) {
        const Layer& layer = layers[static_cast<size_t>(l)];
        weights += layer.weight_learns;
        if (layer.weight_learns || layer.bias_learns) lowest = l;
      }
      const int inputs = lowest == 3 ? 0 : 2 - lowest;
      const std::string who = " (" + who_learns(layers) + ")";
      course::products() = 0;
      const task::Forward kept = task::forward(x, layers);
      t.equal("products in forward" + who, course::products(), 3);
      course::products() = 0;
      task::backward(dy, kept, layers);
      t.equal("products in backward" + who, course::products(), weights + inputs,
              {{double(weights + inputs + 1),
                "one too many: the lowest layer that learns need not pass a "
                "gradient on, there is nothing below it"},
               {6, "this computes everything"},
               {double(weights + 3),
                "the gradient of an input is needed only if something below learns"}});
    }
  });
  t.check("inputs that are kept", [&] {
    for (int ways = 0; ways < 64; ++ways) {
      course::Numbers numbers(7);
      const std::vector<Layer> layers = stack(numbers, ways);
      const task::Forward kept = task::forward(numbers.matrix(3, 3), layers);
      t.require(kept.inputs.size() == 3, "Forward::inputs has an entry a layer, empty or not");
      for (size_t l = 0; l < 3; ++l)
        t.require(kept.inputs[l].values.empty() != layers[l].weight_learns,
                  "layer " + std::to_string(l) + "'s input " +
                      (layers[l].weight_learns ? "is missing: dW needs it"
                                               : "is kept, and its weight is frozen") +
                      " (" + who_learns(layers) + ")");
    }
  });
  return t.result();
}
