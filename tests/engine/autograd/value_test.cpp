#include "engine/autograd/value.h"

#include <doctest/doctest.h>

using tour::Value;

TEST_CASE("the tour's first example") {
  const Value x = 3, y = x * x + 2 * x;
  CHECK(y.data() == 15);
  y.backward();
  CHECK(x.grad() == 8);  // 2 x + 2
  y.backward();
  CHECK(x.grad() == 8);  // set anew, not added to
}

TEST_CASE("every op's derivative, by hand") {
  const Value a = 2, b = 4;
  (a + b).backward();
  CHECK(a.grad() == 1);
  CHECK(b.grad() == 1);
  (a - b).backward();
  CHECK(b.grad() == -1);
  (a * b).backward();
  CHECK(a.grad() == 4);
  CHECK(b.grad() == 2);
  (a / b).backward();
  CHECK(a.grad() == 0.25);    // 1 / b
  CHECK(b.grad() == -0.125);  // -a / b^2 = -2 / 16
  (-a).backward();
  CHECK(a.grad() == -1);
  exp(a).backward();
  CHECK(a.grad() == doctest::Approx(7.38905609893065));  // e^2
  log(a).backward();
  CHECK(a.grad() == 0.5);
  tanh(a).backward();
  CHECK(a.grad() == doctest::Approx(0.0706508248531645));  // 1 - tanh(2)^2
  relu(a).backward();
  CHECK(a.grad() == 1);
  relu(-a).backward();
  CHECK(a.grad() == 0);
  square(a).backward();
  CHECK(a.grad() == 4);
}

TEST_CASE("the ways from y to x add up, and a shared number is passed once") {
  // u = x^2, v = u + x, y = u v = x^4 + x^3: dy/dx = 4 x^3 + 3 x^2 = 44 at 2
  const Value x = 2, u = x * x, v = u + x, y = u * v;
  y.backward();
  CHECK(y.data() == 24);
  CHECK(x.grad() == 44);
  CHECK(u.grad() == 10);  // v + u: directly 6, and by v 4
  // 2^30 ways from the last to the first; visited once each, or this would not end
  Value z = 1;
  const Value first = z;
  for (int i = 0; i < 30; ++i) z = z + z;
  z.backward();
  CHECK(first.grad() == 1 << 30);
}

TEST_CASE("a sum of 200,000 terms, and a chain as long in which every number is used twice") {
  const Value x = 2;
  Value sum = 0, chain = x;
  for (int i = 0; i < 200000; ++i) {
    sum = sum + x;
    chain = 0.25 * chain + 0.75 * chain;
  }
  sum.backward();
  CHECK(sum.data() == 400000);
  CHECK(x.grad() == 200000);
  chain.backward();
  CHECK(chain.data() == 2);
  CHECK(x.grad() == 1);
}

TEST_CASE("a neuron by hand") {
  // w = 0.5, x = 2, b = -1: u = 0, y = tanh(0) = 0, loss = (y - 1)^2 = 1
  // dloss/dy = 2 (0 - 1) = -2, dy/du = 1, so dw = -2 x = -4, db = -2
  const Value w = 0.5, b = -1;
  const Value loss = square(tanh(w * 2 + b) - 1);
  loss.backward();
  CHECK(loss.data() == 1);
  CHECK(w.grad() == -4);
  CHECK(b.grad() == -2);
}

TEST_CASE("the header's example fits its neuron") {
  const std::pair<double, double> points[] = {
      {-2, std::tanh(-2.5)}, {-0.5, std::tanh(-0.25)}, {1, std::tanh(2.0)}, {0, std::tanh(0.5)}};
  Value w = 0.1, b = 0.0;
  double last = 1e9;
  for (int step = 0; step < 2000; ++step) {
    Value loss = 0.0;
    for (const auto& [x, target] : points) loss = loss + square(tanh(w * x + b) - target);
    loss.backward();
    for (Value* p : {&w, &b}) p->nudge(-0.1);
    REQUIRE(loss.data() <= last + 1e-12);
    last = loss.data();
  }
  CHECK(w.data() == doctest::Approx(1.5).epsilon(1e-4));
  CHECK(b.data() == doctest::Approx(0.5).epsilon(1e-4));
}
