#include "course/lib/check.h"
#include "task.h"

using course::Matrix;

int main() {
  course::Test t = course::test("A layer is a matrix");
  course::Numbers numbers(1);

  t.check("the example of the chapter", [&] {
    const Matrix x(2, 2, {1, 2, 3, -1}), w(3, 2, {1, 0, 0, 1, 2, -1}), b(1, 3, {0, 10, 0});
    t.equal("y", task::linear(x, w, b), Matrix(2, 3, {1, 12, 0, 3, 9, 7}),
            {{Matrix(2, 3, {1, 2, 0, 3, -1, 7}), "the bias is missing"},
             {Matrix(2, 3, {1, 12, 0, 3, -1, 7}), "every row gets the bias, not the first alone"}});
  });
  t.check("a square weight, where a transposed one would fit as well", [&] {
    const Matrix x = numbers.matrix(3, 4), w = numbers.matrix(4, 4), b(1, 4);
    t.equal("y", task::linear(x, w, b), multiply(x, transposed(w)),
            {{multiply(x, w),
              "this is x W: the weight has its outputs by row, so it must be "
              "transposed (y = x W^T)"}});
  });
  t.check("rows do not see one another", [&] {
    Matrix x = numbers.matrix(3, 4);
    const Matrix w = numbers.matrix(2, 4), b = numbers.matrix(1, 2), before = task::linear(x, w, b);
    for (int c = 0; c < 4; ++c) x(1, c) += 1;
    const Matrix after = task::linear(x, w, b);
    for (const int r : {0, 2})
      for (int c = 0; c < 2; ++c)
        t.equal("row " + std::to_string(r) + " after row 1 of x changed", after(r, c),
                before(r, c));
  });
  t.check("it is linear: twice x gives twice y, without the bias", [&] {
    Matrix x = numbers.matrix(2, 3);
    const Matrix w = numbers.matrix(5, 3), none(1, 5), once = task::linear(x, w, none);
    for (double& v : x.values) v *= 2;
    const Matrix twice = task::linear(x, w, none);
    for (size_t i = 0; i < once.values.size(); ++i)
      t.equal("element " + std::to_string(i), twice.values[i], 2 * once.values[i]);
  });
  return t.result();
}
