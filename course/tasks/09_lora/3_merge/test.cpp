#include "course/lib/check.h"
#include "task.h"

using course::Matrix;
using task::Layer;

namespace {

Matrix forward(const Matrix& x, const Layer& layer) {
  Matrix y = multiply(x, transposed(layer.w));
  for (int r = 0; r < y.rows; ++r)
    for (int c = 0; c < y.cols; ++c) y(r, c) += layer.b(0, c);
  return y;
}

Matrix with_lora(const Matrix& x, const Layer& layer, const Matrix& a, const Matrix& b,
                 double scale) {
  Matrix y = forward(x, layer);
  const Matrix update = multiply(multiply(x, transposed(a)), transposed(b));
  for (size_t i = 0; i < y.values.size(); ++i) y.values[i] += scale * update.values[i];
  return y;
}

// Each column c times l(0, c).
Matrix scaled(Matrix m, const Matrix& l) {
  for (int r = 0; r < m.rows; ++r)
    for (int c = 0; c < m.cols; ++c) m(r, c) *= l(0, c);
  return m;
}

}  // namespace

int main() {
  course::Test t = course::test("Merging");
  course::Numbers numbers(3);
  // Square, so that rows and columns can be mixed up.
  const Matrix x = numbers.matrix(4, 6);
  const Layer layer{numbers.matrix(6, 6), numbers.matrix(1, 6)};

  t.check("LoRA: merged computes what unmerged did", [&] {
    const Matrix a = numbers.matrix(2, 6);
    Matrix b = numbers.matrix(6, 2);
    const Matrix expected = with_lora(x, layer, a, b, 0.5);
    Layer once = layer, twice = layer;
    const Matrix ba = multiply(b, a);
    for (size_t i = 0; i < ba.values.size(); ++i) {
      once.w.values[i] += ba.values[i];
      twice.w.values[i] += ba.values[i];
    }
    Layer merged = layer;
    Matrix left = b;
    task::merge_lora(merged, a, left, 0.5);
    t.equal("output of the merged weight alone", forward(x, merged), expected,
            {{forward(x, once), "the scale is missing: W += scale B A"},
             {forward(x, layer), "the weight did not change"}});
    t.equal("output with what is left of the update", with_lora(x, merged, a, left, 0.5), expected,
            {{with_lora(x, merged, a, b, 0.5),
              "the update counts twice: B must be zero after merging"}});
  });
  t.check("LoRA: merging twice changes nothing more", [&] {
    const Matrix a = numbers.matrix(2, 6);
    Matrix b = numbers.matrix(6, 2);
    Layer merged = layer;
    task::merge_lora(merged, a, b, 0.5);
    const Matrix once = merged.w;
    task::merge_lora(merged, a, b, 0.5);
    t.equal("weight", merged.w, once);
  });
  t.check("IA3 at outputs", [&] {
    const Matrix l = numbers.matrix(1, 6);
    Layer merged = layer, weight_only = layer, columns = layer;
    for (int r = 0; r < 6; ++r)
      for (int c = 0; c < 6; ++c) weight_only.w(r, c) *= l(0, r), columns.w(r, c) *= l(0, c);
    Layer columns_and_bias = columns;
    columns_and_bias.b = scaled(layer.b, l);
    Matrix left = l;
    task::merge_ia3_output(merged, left);
    t.equal("output", forward(x, merged), scaled(forward(x, layer), l),
            {{forward(x, weight_only), "the bias is an output, too: it is multiplied as well"},
             {forward(x, columns), "factors of outputs multiply rows of W, these are columns"},
             {forward(x, columns_and_bias),
              "factors of outputs multiply rows of W, these are "
              "columns"}});
    t.equal("l afterwards", left, Matrix(1, 6, 1.0));
  });
  t.check("IA3 at inputs", [&] {
    const Matrix l = numbers.matrix(1, 6);
    Layer merged = layer, bias_too = layer, rows = layer;
    for (int r = 0; r < 6; ++r)
      for (int c = 0; c < 6; ++c) rows.w(r, c) *= l(0, r), bias_too.w(r, c) *= l(0, c);
    bias_too.b = scaled(layer.b, l);
    Matrix left = l;
    task::merge_ia3_input(merged, left);
    t.equal("output", forward(x, merged), forward(scaled(x, l), layer),
            {{forward(x, bias_too), "the bias is no input: it stays as it is"},
             {forward(x, rows), "factors of inputs multiply columns of W, these are rows"}});
    t.equal("l afterwards", left, Matrix(1, 6, 1.0));
  });
  t.check("LoRA and IA3 at inputs together: LoRA reads the input before the factors", [&] {
    const Matrix a = numbers.matrix(2, 6), l = numbers.matrix(1, 6);
    Matrix b = numbers.matrix(6, 2), left = l;
    Matrix expected = forward(scaled(x, l), layer);
    const Matrix update = multiply(multiply(x, transposed(a)), transposed(b));
    for (size_t i = 0; i < expected.values.size(); ++i)
      expected.values[i] += 0.5 * update.values[i];
    Layer merged = layer;
    task::merge_ia3_input(merged, left);  // first what scales, then what adds
    task::merge_lora(merged, a, b, 0.5);
    t.equal("output", forward(x, merged), expected);
  });
  return t.result();
}
