#include "course/lib/check.h"
#include "task.h"

using task::Moments;
using task::Settings;

namespace {

struct Wrong {
  bool no_correction = false, only_m = false, coupled = false, from_zero = false,
       eps_inside = false;
};

// AdamW of one number with a list of gradients, by the formulas of the chapter, or wrongly.
std::vector<double> path(double p, const std::vector<double>& gradients, const Settings& s,
                         Wrong wrong = {}) {
  std::vector<double> all;
  double m = 0, v = 0;
  int t = wrong.from_zero ? 0 : 1;
  for (double g : gradients) {
    if (wrong.coupled)
      g += s.weight_decay * p;
    else
      p *= 1 - s.rate * s.weight_decay;
    m = s.beta1 * m + (1 - s.beta1) * g;
    v = s.beta2 * v + (1 - s.beta2) * g * g;
    const double mh = wrong.no_correction ? m : m / (1 - std::pow(s.beta1, t));
    const double vh = wrong.no_correction || wrong.only_m ? v : v / (1 - std::pow(s.beta2, t));
    p -= s.rate * mh / (wrong.eps_inside ? std::sqrt(vh + s.eps) : std::sqrt(vh) + s.eps);
    all.push_back(p);
    ++t;
  }
  return all;
}

std::vector<double> students_path(double p, const std::vector<double>& gradients,
                                  const Settings& s) {
  std::vector<double> all, one{p};
  Moments moments;
  for (const double g : gradients) {
    task::adamw(one, {g}, moments, s);
    all.push_back(one.at(0));
  }
  return all;
}

}  // namespace

int main() {
  course::Test t = course::test("A step the size of the learning rate");
  Settings plain;
  plain.rate = 0.1;
  const std::vector<double> gradients = {0.5, -1, 0.25, 2};

  t.check("the first step is as large as the rate, whatever the gradient", [&] {
    for (const double g : {1e-4, 1.0, 1e4, -3.0}) {
      const double expected = 1 - 0.1 * (g > 0 ? 1 : -1);
      t.equal("p after a step with gradient " + course::number(g), students_path(1, {g}, plain)[0],
              expected,
              {{path(1, {g}, plain, {.no_correction = true})[0],
                "the moments are not corrected: divide m by 1 - beta1^t and v by 1 - beta2^t"},
               {path(1, {g}, plain, {.only_m = true})[0], "v is not corrected, only m"},
               {2 - expected, "the sign: a step goes against the gradient"}},
              1e-3);
    }
  });
  t.check("four steps", [&] {
    t.equal("p", students_path(1, gradients, plain), path(1, gradients, plain),
            {{path(1, gradients, plain, {.no_correction = true}),
              "the moments are not corrected: divide m by 1 - beta1^t and v by 1 - beta2^t"},
             {path(1, gradients, plain, {.only_m = true}), "v is not corrected, only m"}});
  });
  t.check("eps", [&] {
    Settings s = plain;
    s.eps = 0.5;
    t.equal("p", students_path(1, gradients, s), path(1, gradients, s),
            {{path(1, gradients, s, {.eps_inside = true}), "eps is added outside of the root"}});
  });
  t.check("weight decay is decoupled", [&] {
    Settings s = plain;
    s.weight_decay = 0.5;
    t.equal("p", students_path(2, gradients, s), path(2, gradients, s),
            {{path(2, gradients, s, {.coupled = true}),
              "the decay was added to the gradient: that is Adam with L2, not AdamW"}});
    t.equal("p with a gradient of 0", students_path(2, {0, 0}, s), {1.9, 1.805});
  });
  t.check("moments of many parameters do not mix", [&] {
    std::vector<double> p = {1, 1};
    Moments moments;
    for (int i = 0; i < 4; ++i)
      task::adamw(p, {gradients[static_cast<size_t>(i)], -3}, moments, plain);
    t.equal("p[0]", p[0], path(1, gradients, plain)[3]);
    t.equal("p[1]", p[1], path(1, {-3, -3, -3, -3}, plain)[3]);
    t.equal("steps", double(moments.steps), 4);
  });
  t.check("a constant gradient: steps of the rate's size; one that alternates: small ones", [&] {
    const std::vector<double> straight = students_path(0, std::vector<double>(50, 7.0), plain);
    t.equal("way after 50 steps", straight.back(), -5, {}, 1e-6);
    std::vector<double> zigzag(50, 7.0);
    for (size_t i = 0; i < 50; i += 2) zigzag[i] = -7;
    t.require(std::abs(students_path(0, zigzag, plain).back()) < 0.5,
              "50 alternating gradients moved p by " +
                  course::number(students_path(0, zigzag, plain).back()));
  });
  return t.result();
}
