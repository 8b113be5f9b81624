#include <stdexcept>

#include "course/lib/check.h"
#include "task.h"

int main() {
  course::Test t = course::test("Several seeds, and their error");

  t.check("three runs", [&] {
    const task::Summary s = task::summarise({74, 76, 81});
    t.equal("mean", s.mean, 77);
    t.equal("deviation", s.deviation, std::sqrt(13),
            {{std::sqrt(26. / 3), "divide by one less than the number of runs"},
             {13, "the root is missing"}});
    t.equal("error", s.error, std::sqrt(13. / 3),
            {{std::sqrt(13) / 3, "the error is the deviation over the ROOT of the number of runs"},
             {std::sqrt(13), "this is the deviation: how well the mean is known is another number"},
             {std::sqrt(26. / 9), "divide by one less than the number of runs"}});
  });
  t.check("one run, and none", [&] {
    const task::Summary s = task::summarise({74});
    t.equal("mean", s.mean, 74);
    t.equal("deviation", s.deviation, 0);
    t.equal("error", s.error, 0);
    bool thrown = false;
    try {
      (void)task::summarise({});
    } catch (const std::invalid_argument&) {
      thrown = true;
    }
    t.require(thrown, "no std::invalid_argument for no results");
  });
  t.check("adding a constant moves the mean alone; a factor goes through all three", [&] {
    const task::Summary a = task::summarise({1, 4, 6, 7}),
                        b = task::summarise({101, 104, 106, 107}),
                        c = task::summarise({3, 12, 18, 21});
    t.equal("mean + 100", b.mean, a.mean + 100);
    t.equal("deviation", b.deviation, a.deviation);
    t.equal("3 deviation", c.deviation, 3 * a.deviation);
    t.equal("3 error", c.error, 3 * a.error);
  });
  t.check("large numbers with small differences", [&] {
    t.equal("deviation", task::summarise({1e9 + 1, 1e9 + 2, 1e9 + 3}).deviation, 1,
            {{0,
              "sum the squares of the differences from the mean; the mean square less the squared "
              "mean loses all digits here"}},
            1e-6);
  });
  t.check(
      "the deviation does not depend on the number of runs, the error falls with its root", [&] {
        course::Numbers numbers(1);
        std::vector<double> few, many;
        for (int i = 0; i < 20000; ++i) {
          const double x = numbers.next();
          if (i < 200) few.push_back(x);
          many.push_back(x);
        }
        const task::Summary a = task::summarise(few), b = task::summarise(many);
        t.equal("deviation of 20000", b.deviation, 1 / std::sqrt(3), {}, 0.01);
        t.require(std::abs(a.error / b.error - 10) < 1, "a hundred times the runs give an error " +
                                                            course::number(a.error / b.error) +
                                                            " times smaller, not about ten");
      });
  t.check("the error of an accuracy", [&] {
    t.equal("0.76 on 200", task::accuracy_error(0.76, 200), std::sqrt(0.76 * 0.24 / 200),
            {{std::sqrt(0.76 * 0.24), "divide by the number of examples"},
             {std::sqrt(0.76 * 0.24) / 200, "the root is over the fraction, n included"}});
    t.equal("always right", task::accuracy_error(1, 200), 0);
  });
  t.check("two strategies", [&] {
    const double v = 4. / 3 + 1. / 3;
    t.equal("t", task::welch_t({74, 76, 78}, {70, 71, 72}), 5 / std::sqrt(v),
            {{5 / (2 / std::sqrt(3) + 1 / std::sqrt(3)), "errors do not add up, their squares do"},
             {5 / std::sqrt(5), "use the errors of the means, not the deviations"}});
    t.equal("the other way round", task::welch_t({70, 71, 72}, {74, 76, 78}), -5 / std::sqrt(v));
  });
  return t.result();
}
