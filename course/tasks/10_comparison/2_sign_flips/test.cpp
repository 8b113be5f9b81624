#include <algorithm>

#include "course/lib/check.h"
#include "task.h"

int main() {
  course::Test t = course::test("Paired");

  t.check("three differences by hand", [&] {
    // The sums are +-6, +-4, +-2, 0 and 0; |6| is reached by two of the eight.
    t.equal("p of 1, 2, 3", task::sign_flip_p({1, 2, 3}), 0.25,
            {{0.125, "both sides count: |sum|, not sum"},
             {0, "the pattern that was seen counts as well: at least as large"}});
    t.equal("p of 1, 2, -3", task::sign_flip_p({1, 2, -3}), 1);
    t.equal("p of 1, -2, 3", task::sign_flip_p({1, -2, 3}), 0.75);
  });
  t.check("all on one side: the smallest p that k differences can have is 2 / 2^k", [&] {
    for (int k = 1; k <= 10; ++k)
      t.equal("p of " + std::to_string(k) + " equal differences",
              task::sign_flip_p(std::vector<double>(static_cast<size_t>(k), 0.7)),
              2 / std::pow(2, k));
  });
  t.check("three seeds can never reach one in twenty", [&] {
    t.require(task::sign_flip_p({9, 9, 9}) > 0.05,
              "p is " + course::number(task::sign_flip_p({9, 9, 9})));
  });
  t.check("order, signs and unit of the differences do not matter", [&] {
    const std::vector<double> d = {0.4, -0.1, 1.3, 0.2, -0.7};
    const double p = task::sign_flip_p(d);
    std::vector<double> turned(d.rbegin(), d.rend()), other = d, larger = d;
    for (double& x : other) x = -x;
    for (double& x : larger) x *= 1000;
    t.equal("turned round", task::sign_flip_p(turned), p);
    t.equal("other signs", task::sign_flip_p(other), p);
    t.equal("in another unit", task::sign_flip_p(larger), p);
  });
  t.check("rounding does not make equal sums different", [&] {
    t.equal("p of 0.1, 0.2, 0.3, -0.6", task::sign_flip_p({0.1, 0.2, 0.3, -0.6}), 1);
    t.equal("p of 0.1, 0.2, -0.3, 0.4", task::sign_flip_p({0.1, 0.2, -0.3, 0.4}), 0.625,
            {{0.5, "0.1 + 0.2 - 0.3 is not 0 in a computer: compare sums with a margin"}});
  });
  t.check("without an effect, p below 0.1 is seen in one of ten cases", [&] {
    course::Numbers numbers(3);
    int below = 0;
    for (int trial = 0; trial < 1000; ++trial) {
      std::vector<double> d(8);
      for (double& x : d) x = numbers.next();
      below += task::sign_flip_p(d) <= 0.1;
    }
    t.require(below > 60 && below < 140,
              "p was at most 0.1 in " + std::to_string(below) + " of 1000 cases without an effect");
  });
  t.check("pairs by seed", [&] {
    t.equal("differences", task::paired({{3, 70}, {1, 60}, {7, 50}}, {{1, 55}, {2, 99}, {3, 71}}),
            {-1, 5}, {{{15, -39, -21}, "by seed, not by place"}});
    t.equal("no common seed", task::paired({{1, 5}}, {{2, 5}}), std::vector<double>{});
  });
  return t.result();
}
