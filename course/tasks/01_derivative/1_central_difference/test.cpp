#include "course/lib/check.h"
#include "task.h"

int main() {
  course::Test t = course::test("What a derivative answers");

  t.check("a parabola, where the central difference is exact", [&] {
    const auto f = [](double x) { return x * x + 2 * x; };
    for (const double h : {1.0, 0.25})
      t.equal("derivative at 3, h = " + course::number(h), task::central_difference(f, 3, h), 8,
              {{(f(3 + h) - f(3)) / h, "this looks to one side only: f(x + h) - f(x)"},
               {(f(3 + h) - f(3 - h)) / h, "the two points are 2 h apart, not h"},
               {8 * h * h, "a / 2 * h is (a / 2) * h: write a / (2 * h)"},
               {-8, "the sign: above minus below"}});
  });

  t.check("half of h makes a quarter of the error", [&] {
    const auto f = [](double x) { return std::exp(x); };
    const double wide = task::central_difference(f, 1, 0.1) - std::exp(1.0);
    const double narrow = task::central_difference(f, 1, 0.05) - std::exp(1.0);
    t.require(std::abs(wide / narrow - 4) < 0.01,
              "the error of exp' at 1 is " + course::number(wide) + " with h = 0.1 and " +
                  course::number(narrow) + " with h = 0.05: it should be a quarter");
  });

  t.check("several numbers, one moved at a time", [&] {
    const auto f = [](const std::vector<double>& x) { return x[0] * x[0] * x[1] - 3 * x[2]; };
    const std::vector<double> got = task::gradient(f, {2, 5, -1}, 0.5);
    t.equal("gradient", got, {20, 4, -3},
            {{{20, 5.0625, -3}, "x[0] was not put back before x[1] was moved"},
             {{20, 6.25, -3}, "x[0] was not put back before x[1] was moved"},
             {{20, 2.25, -3}, "x[0] was not put back before x[1] was moved"}});
  });

  t.check("the gradient is made of central differences", [&] {
    const auto f = [](const std::vector<double>& x) { return std::sin(x[0]) + std::exp(x[1]); };
    const std::vector<double> got = task::gradient(f, {0.3, -0.4}, 0.1);
    t.equal("gradient", got,
            {task::central_difference([](double x) { return std::sin(x); }, 0.3, 0.1),
             task::central_difference([](double x) { return std::exp(x); }, -0.4, 0.1)});
  });
  return t.result();
}
