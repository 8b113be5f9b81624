#include <stdexcept>

#include "course/lib/check.h"
#include "task.h"

int main() {
  course::Test t = course::test("Clipping");

  t.check("the common length of all parameters", [&] {
    t.equal("scale of (3, 0) and (4), at most 1", task::clip_scale({{3, 0}, {4}}, 1),
            1 / (5 + 1e-6),
            {{1 / (3 + 1e-6), "the norm is of all parameters together, not of the first"},
             {1 / (4 + 1e-6), "the norm is of all parameters together, not of the last or largest"},
             {1 / (7 + 1e-6), "the norms of the parameters are added: add their squares"},
             {1 / (25 + 1e-6), "the root is missing"},
             {0.2, "1e-6 is missing under the fraction"}},
            1e-12);
  });
  t.check("short gradients stay as they are", [&] {
    t.equal("scale", task::clip_scale({{0.3, 0}, {0.4}}, 1), 1,
            {{1 / (0.5 + 1e-6), "clipping never makes a gradient longer: at most 1"}});
    t.equal("scale of zero", task::clip_scale({{0, 0}}, 1), 1);
    t.equal("no clipping", task::clip_scale({{300}}, 0), 1);
  });
  t.check("after clipping no gradient is longer than max", [&] {
    course::Numbers numbers(1);
    for (int i = 0; i < 50; ++i) {
      std::vector<std::vector<double>> g(3, std::vector<double>(4));
      double squares = 0;
      for (auto& part : g)
        for (double& x : part) {
          x = 5 * numbers.next();
          squares += x * x;
        }
      const double scale = task::clip_scale(g, 2);
      t.require(scale * std::sqrt(squares) <= 2 + 1e-12,
                "a length of " + course::number(scale * std::sqrt(squares)) + ", 2 is allowed");
    }
  });
  t.check("a gradient that is not finite is an error", [&] {
    for (const double bad : {double(NAN), double(INFINITY)}) {
      bool thrown = false;
      try {
        (void)task::clip_scale({{1}, {bad}}, 1);
      } catch (const std::runtime_error&) {
        thrown = true;
      }
      t.require(thrown, "no std::runtime_error for a gradient of " + course::number(bad) +
                            ": every parameter would become NaN");
    }
  });
  t.check("a schedule of 10 updates, 3 of them warm-up", [&] {
    std::vector<double> got;
    for (int made = 0; made < 10; ++made) got.push_back(task::linear_schedule(made, 10, 3));
    const std::vector<double> late = {0,      1. / 3, 2. / 3, 1,      6. / 7,
                                      5. / 7, 4. / 7, 3. / 7, 2. / 7, 1. / 7};
    t.equal("factors", got, {0.25, 0.5, 0.75, 1, 6. / 7, 5. / 7, 4. / 7, 3. / 7, 2. / 7, 1. / 7},
            {{late, "the warm-up is off by one: the first update would have a rate of 0"}});
  });
  t.check("ends, and schedules without warm-up", [&] {
    t.equal("after the last", task::linear_schedule(10, 10, 3), 0);
    t.equal("long after", task::linear_schedule(15, 10, 3), 0, {{-5. / 7, "never below 0"}});
    t.equal("first of a schedule without warm-up", task::linear_schedule(0, 4, 0), 1);
    t.equal("last of it", task::linear_schedule(3, 4, 0), 0.25);
  });
  t.check("it rises, then falls, and never leaves 0 .. 1", [&] {
    double before = 0;
    for (int made = 0; made <= 100; ++made) {
      const double factor = task::linear_schedule(made, 100, 20);
      t.require(factor >= 0 && factor <= 1, "factor " + course::number(factor));
      t.require(made <= 20 ? factor > before : factor < before,
                "after " + std::to_string(made) + " updates it goes from " +
                    course::number(before) + " to " + course::number(factor));
      before = factor;
    }
  });
  return t.result();
}
