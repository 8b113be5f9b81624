#include <algorithm>
#include <numeric>

#include "course/lib/check.h"
#include "task.h"

int main() {
  course::Test t = course::test("A GPT that writes");
  const double ln2 = std::log(2.0);
  const std::vector<double> scores = {0, 2 * ln2, ln2, 0};

  t.check("all words, temperature 1", [&] {
    t.equal("p", task::distribution(scores, 1, 0), {1. / 8, 4. / 8, 2. / 8, 1. / 8});
  });
  t.check("temperature", [&] {
    t.equal("p at 0.5", task::distribution(scores, 0.5, 0), {1. / 22, 16. / 22, 4. / 22, 1. / 22},
            {{{0.1611, 0.3223, 0.2278, 0.1611}, "divide the scores by the temperature"},
             {{1. / 8, 4. / 8, 2. / 8, 1. / 8}, "the temperature does nothing"}});
    double before = 0;
    for (const double temperature : {4.0, 2.0, 1.0, 0.5, 0.1}) {
      const double most = task::distribution(scores, temperature, 0).at(1);
      t.require(most > before, "the likeliest word has " + course::number(most) +
                                   " at temperature " + course::number(temperature) +
                                   ", no more than at a higher one: divide the scores by it");
      before = most;
    }
    t.equal("p at 1e-3", task::distribution(scores, 1e-3, 0), {0, 1, 0, 0},
            {{{NAN, NAN, NAN, NAN}, "exp overflows: subtract the largest first"}});
  });
  t.check("top-k", [&] {
    t.equal("p, top 2", task::distribution(scores, 1, 2), {0, 2. / 3, 1. / 3, 0},
            {{{0, 4. / 8, 2. / 8, 0}, "the others' share is lost: the sum must be 1 again"}});
    t.equal("p, top 1", task::distribution(scores, 1, 1), {0, 1, 0, 0});
    t.equal(
        "p, top 3", task::distribution(scores, 1, 3), {1. / 7, 4. / 7, 2. / 7, 0},
        {{{1. / 8, 4. / 8, 2. / 8, 1. / 8}, "of equal scores only as many stay as fit into k"}});
    t.equal("p, top 9", task::distribution(scores, 1, 9), {1. / 8, 4. / 8, 2. / 8, 1. / 8});
  });
  t.check("the sum is 1 and the order stays (random scores)", [&] {
    course::Numbers numbers(1);
    for (int trial = 0; trial < 30; ++trial) {
      std::vector<double> s(6);
      for (double& x : s) x = 1000 * numbers.next();
      const std::vector<double> p = task::distribution(s, 300, 1 + trial % 6);
      t.equal("sum", std::accumulate(p.begin(), p.end(), 0.0), 1);
      t.require(std::max_element(s.begin(), s.end()) - s.begin() ==
                    std::max_element(p.begin(), p.end()) - p.begin(),
                "the likeliest word is another one");
    }
  });
  t.check("draw", [&] {
    const std::vector<double> p = {0.25, 0, 0.5, 0.25};
    const auto is = [&](double uniform, int expected) {
      t.equal("word at " + course::number(uniform), double(task::draw(p, uniform)), expected,
              {{1, "a word of probability 0 must never be drawn"}});
    };
    is(0, 0), is(0.2499, 0), is(0.25, 2), is(0.7499, 2), is(0.75, 3), is(0.9999, 3);
    t.equal("first word of probability 0", double(task::draw({0, 1}, 0)), 1);
    t.equal("a sum a little below 1", double(task::draw({0.5, 0.4999999, 0}, 0.99999999)), 1,
            {{2, "the last word with a probability above 0"}, {3, "this is behind the last word"}});
  });
  t.check("words are drawn as often as they are likely", [&] {
    const std::vector<double> p = {0.1, 0.6, 0.3};
    course::Numbers numbers(2);
    std::vector<double> times(3);
    for (int i = 0; i < 20000; ++i)
      times.at(static_cast<size_t>(task::draw(p, numbers.uniform()))) += 1. / 20000;
    for (size_t i = 0; i < 3; ++i)
      t.equal("share of word " + std::to_string(i), times[i], p[i], {}, 0.015);
  });
  t.check("perplexity", [&] {
    t.equal("of equal choices among 8", task::perplexity({0.125, 0.125, 0.125}), 8);
    t.equal("of 1, 1/4", task::perplexity({1, 0.25}), 2,
            {{4, "the mean over the words is missing"},
             {0.5, "the sign"},
             {1.6, "it is exp of the mean of logs, not 1 / mean"},
             {2.5, "it is exp of the mean of logs, not the mean of 1/p"}});
    t.equal("of certainty", task::perplexity({1, 1, 1}), 1);
  });
  return t.result();
}
