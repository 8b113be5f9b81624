#include "course/lib/check.h"
#include "task.h"

using course::Matrix;
using task::Lora;

namespace {

Matrix forward(const Matrix& x, const Matrix& w, const Lora& lora) {
  Matrix y = multiply(x, transposed(w));
  const Matrix update = multiply(multiply(x, transposed(lora.a)), transposed(lora.b));
  for (size_t i = 0; i < y.values.size(); ++i) y.values[i] += lora.scale * update.values[i];
  return y;
}

}  // namespace

int main() {
  course::Test t = course::test("What it costs");
  course::Numbers numbers(2);
  const int n = 5, in = 12, out = 8, r = 2;
  Matrix x = numbers.matrix(n, in);
  const Matrix w = numbers.matrix(out, in), dy = numbers.matrix(n, out);
  Lora lora{numbers.matrix(r, in), numbers.matrix(out, r), 1.5};
  const task::Kept kept{x, multiply(x, transposed(lora.a))};
  const auto loss = [&] { return weighed_sum(forward(x, w, lora), dy); };

  t.check("dB against central differences", [&] {
    const Matrix expected = numeric_gradient(lora.b, loss);
    t.equal("dB", task::backward(dy, kept, w, lora, true).db, expected,
            {{scaled(expected, 1 / lora.scale), "the scale is missing in backward"},
             {transposed(expected), "dB is transposed: it has the shape of B, (out, r)"}},
            1e-7);
  });
  t.check("dA against central differences", [&] {
    const Matrix expected = numeric_gradient(lora.a, loss);
    t.equal("dA", task::backward(dy, kept, w, lora, true).da, expected,
            {{scaled(expected, 1 / lora.scale), "the scale is missing in backward"},
             {transposed(expected), "dA is transposed: it has the shape of A, (r, in)"}},
            1e-7);
  });
  t.check("dx against central differences", [&] {
    const Matrix expected = numeric_gradient(x, loss);
    t.equal("dx", task::backward(dy, kept, w, lora, true).dx, expected,
            {{multiply(dy, w), "the way through B and A is missing: x is used twice"}}, 1e-7);
  });
  t.check("with B = 0, A gets no gradient, and B does", [&] {
    const Lora start{lora.a, Matrix(out, r), 1.5};
    const auto g = task::backward(dy, kept, w, start, true);
    t.equal("dA", g.da, Matrix(r, in));
    double largest = 0;
    for (const double v : g.db.values) largest = std::max(largest, std::abs(v));
    t.require(largest > 0, "dB is zero: LoRA would never begin to learn");
  });
  t.check("nothing below learns: no dx", [&] {
    t.require(task::backward(dy, kept, w, lora, false).dx.values.empty(),
              "dx is to stay empty if nothing below learns: nobody wants it");
  });
  t.check("operations: nothing as large as the gradient of W", [&] {
    const double thin = 2.0 * n * r * out + 2.0 * n * r * in;  // both gradients' shapes
    course::flops() = 0;
    (void)task::backward(dy, kept, w, lora, true);
    const double through = 2.0 * n * in * out + 2.0 * n * out * r + 2.0 * n * r * in;
    t.equal("operations, something below learns", course::flops(), thin + through,
            {{thin + through + 2.0 * n * in * out,
              "there is one product too many, as large as W's "
              "gradient: W is frozen"},
             {thin + through - 2.0 * n * out * in, "a term of dx is missing: see above"},
             {thin + through - 2.0 * n * in * r, "a term of dx is missing: see above"},
             {thin + through + 2.0 * n * out * r, "dt = dy B is computed twice"},
             {thin + through + 2.0 * n * in * r, "t = x A^T is kept: do not compute it again"}});
    course::flops() = 0;
    (void)task::backward(dy, kept, w, lora, false);
    t.equal("operations, nothing below learns", course::flops(), thin + 2.0 * n * out * r,
            {{thin + through, "dx is computed, and nobody wants it"}});
  });
  return t.result();
}
