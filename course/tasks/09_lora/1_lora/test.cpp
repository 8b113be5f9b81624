#include "course/lib/check.h"
#include "task.h"

using course::Matrix;
using task::Lora;

namespace {

Matrix plain(const Matrix& x, const Matrix& w, const Matrix& bias) {
  Matrix y = multiply(x, transposed(w));
  for (int r = 0; r < y.rows; ++r)
    for (int c = 0; c < y.cols; ++c) y(r, c) += bias(0, c);
  return y;
}

Matrix with_update(const Matrix& x, const Matrix& w, const Matrix& bias, const Lora& lora,
                   double scale) {
  Matrix all = w;
  const Matrix update = multiply(lora.b, lora.a);
  for (size_t i = 0; i < all.values.size(); ++i) all.values[i] += scale * update.values[i];
  return plain(x, all, bias);
}

}  // namespace

int main() {
  course::Test t = course::test("A change of low rank");
  course::Numbers numbers(1);
  const int n = 6, in = 20, out = 10, r = 2;
  const Matrix x = numbers.matrix(n, in), w = numbers.matrix(out, in),
               bias = numbers.matrix(1, out);

  t.check("shapes and the scale", [&] {
    const Lora lora = task::make_lora(in, out, r, 16, numbers);
    t.require(lora.a.rows == r && lora.a.cols == in, "A is " + lora.a.shape() + ", not r x in");
    t.require(lora.b.rows == out && lora.b.cols == r, "B is " + lora.b.shape() + ", not out x r");
    t.equal("scale with alpha 16 and r 2", lora.scale, 8,
            {{16, "the scale is alpha / r, not alpha"},
             {32, "the scale is alpha / r, not alpha r"},
             {0.125, "the scale is alpha / r, not r / alpha"}});
  });
  t.check("nothing changes at the start", [&] {
    const Lora lora = task::make_lora(in, out, r, 16, numbers);
    for (const double v : lora.b.values)
      t.require(v == 0, "B is not zero at the start: an element is " + course::number(v) +
                            ", and the pretrained model is damaged before training begins");
    t.equal("output", task::forward(x, w, bias, lora), plain(x, w, bias));
  });
  t.check("A is random at the start, within its bound", [&] {
    const Lora lora = task::make_lora(in, out, r, 16, numbers);
    double largest = 0, squares = 0;
    for (const double v : lora.a.values) {
      largest = std::max(largest, std::abs(v));
      squares += v * v / double(lora.a.values.size());
    }
    t.require(largest > 0, "A is zero as well: then dB is zero, too, and nothing ever learns");
    const double bound = 1 / std::sqrt(double(in));
    t.require(largest <= bound, "an element of A is " + course::number(largest) +
                                    ", the bound is 1/sqrt(in) = " + course::number(bound));
    t.require(squares > 0.2 * bound * bound,
              "A is too small: uniform in its bounds, its mean "
              "square is a third of the bound's");
  });
  const Lora lora{numbers.matrix(r, in), numbers.matrix(out, r), 0.5};
  t.check("values with a B that has learned", [&] {
    const Matrix expected = with_update(x, w, bias, lora, lora.scale);
    t.equal("output", task::forward(x, w, bias, lora), expected,
            {{with_update(x, w, bias, lora, 1), "the scale is missing"},
             {with_update(x, w, bias, lora, 0), "the update is missing"},
             {with_update(x, w, Matrix(1, out), lora, lora.scale), "the bias is missing"}});
  });
  t.check("three products, none of them larger than the layer's own", [&] {
    course::products() = 0;
    course::flops() = 0;
    (void)task::forward(x, w, bias, lora);
    const double cheap = 2.0 * n * in * out + 2.0 * n * r * (in + out);
    const double expensive = 2.0 * out * r * in + 4.0 * n * in * out;
    t.equal("operations", course::flops(), cheap,
            {{expensive, "B A was multiplied out: a matrix as large as W; compute (x A^T) B^T"},
             {2.0 * out * r * in + 2.0 * n * in * out,
              "B A was multiplied out: a matrix as large as W; compute (x A^T) B^T"}});
    t.equal("products", course::products(), 3);
  });
  t.check("parameters", [&] {
    t.equal("768 x 768, r = 8", double(task::parameters(768, 768, 8)), 12288,
            {{8.0 * 768 * 768, "A is (r, in) and B is (out, r): their sizes are added"}});
    t.equal("768 to 3072, r = 4", double(task::parameters(768, 3072, 4)), 15360);
  });
  return t.result();
}
