#include "course/lib/check.h"
#include "task.h"

using course::number;
using task::Result;

namespace {

// Values against `f`, derivatives against central differences of the values.
void compare(course::Test& t, Result (*op)(double, double), double (*f)(double, double)) {
  course::Numbers numbers(7);
  for (int i = 0; i < 20; ++i) {
    const double a = 3 * numbers.next(), b = 3 * numbers.next(), h = 1e-5;
    if (std::abs(b) < 0.1 || std::abs(a) < 0.1) continue;  // far from 1/0, and from relu's corner
    const std::string at = " at a = " + number(a) + ", b = " + number(b);
    const Result got = op(a, b);
    t.equal("value" + at, got.value, f(a, b));
    const double by_a = (f(a + h, b) - f(a - h, b)) / (2 * h);
    const double by_b = (f(a, b + h) - f(a, b - h)) / (2 * h);
    t.equal("derivative by a" + at, got.by_a, by_a,
            {{-by_a, "the sign is wrong"}, {by_b, "this is the derivative by b"}}, 1e-6);
    t.equal("derivative by b" + at, got.by_b, by_b,
            {{-by_b, "the sign is wrong: 1/b falls when b grows"},
             {by_a, "this is the derivative by a"},
             {-a / b, "the derivative of 1/b is -1/b squared"}},
            1e-6);
  }
}

}  // namespace

int main() {
  course::Test t = course::test("The chain rule, by hand");

  t.check("multiply",
          [&] { compare(t, task::multiply, [](double a, double b) { return a * b; }); });
  t.check("divide", [&] { compare(t, task::divide, [](double a, double b) { return a / b; }); });
  t.check("sigmoid", [&] {
    compare(
        t, [](double a, double) { return task::sigmoid(a); },
        [](double a, double) { return 1 / (1 + std::exp(-a)); });
    t.equal("derivative at 0, where it is largest", task::sigmoid(0).by_a, 0.25);
  });
  t.check("relu", [&] {
    compare(
        t, [](double a, double) { return task::relu(a); },
        [](double a, double) { return a > 0 ? a : 0.0; });
    t.equal("derivative at 0", task::relu(0).by_a, 0);
  });
  t.check("log_add_exp", [&] {
    compare(t, task::log_add_exp,
            [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); });
  });
  t.check("log_add_exp of large numbers", [&] {
    const Result got = task::log_add_exp(1000, 999);
    t.require(std::isfinite(got.value),
              "log_add_exp(1000, 999) is " + number(got.value) +
                  ": exp(1000) is too large for a double; take the larger of a and b out of the "
                  "sum first");
    t.equal("value at 1000, 999", got.value, 1000 + std::log1p(std::exp(-1.0)));
    t.equal("the two derivatives together", got.by_a + got.by_b, 1);
    const Result swapped = task::log_add_exp(-1000, 1000);
    t.equal("value at -1000, 1000", swapped.value, 1000);
    t.equal("derivative by b there", swapped.by_b, 1);
  });
  return t.result();
}
