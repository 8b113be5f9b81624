// How far the vectorised functions are from the true ones, computed in long double. Errors are in
// units of the last place of the true result, where it is not tiny; else absolute.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "engine/ops/activation.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using Wide = long double;

namespace {

Wide exact(Activation act, Wide x) {
  const Wide u = std::sqrt(2 / std::acos(-1.0L)) * (x + 0.044715L * x * x * x);
  switch (act) {
    case Activation::gelu:
      return 0.5L * x * std::erfc(-x / std::sqrt(2.0L));
    case Activation::gelu_tanh:
      return x / (1 + std::exp(-2 * u));
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
  }
  return 0;
}

Wide exact_derivative(Activation act, Wide x) {
  const Wide c = std::sqrt(2 / std::acos(-1.0L)), u = c * (x + 0.044715L * x * x * x),
             t = std::tanh(u), s = 1 / (1 + std::exp(-x));
  switch (act) {
    case Activation::gelu:
      return 0.5L * std::erfc(-x / std::sqrt(2.0L)) +
             x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0L));
    case Activation::gelu_tanh:
      return 0.5L * (1 + t) + 0.5L * x * (1 - t * t) * c * (1 + 3 * 0.044715L * x * x);
    case Activation::relu:
      return x > 0 ? 1 : 0;
    case Activation::silu:
      return s * (1 + x * (1 - s));
    case Activation::tanh:
      return 1 - std::tanh(x) * std::tanh(x);
  }
  return 0;
}

struct Worst {
  double ulp = 0, ulp_at = 0, absolute = 0, absolute_at = 0;
};

template <class F>
Worst compare(const std::vector<Scalar>& x, const std::vector<Scalar>& found, F&& truth) {
  Worst w;
  for (size_t i = 0; i < x.size(); ++i) {
    const Wide t = truth(Wide(x[i])), error = std::abs(Wide(found[i]) - t);
    if (!(double(error) <= w.absolute)) w.absolute = double(error), w.absolute_at = double(x[i]);
    const auto rounded = static_cast<Scalar>(t);
    const Scalar place =
        std::nextafter(std::abs(rounded), std::numeric_limits<Scalar>::infinity()) -
        std::abs(rounded);
    if (std::abs(t) > 0.01L && double(error / place) > w.ulp)
      w.ulp = double(error / place), w.ulp_at = double(x[i]);
  }
  return w;
}

}  // namespace

TEST_CASE("activations and their derivatives against long double") {
  std::vector<Scalar> x;
  for (double v = -12; v <= 12; v += 1.0 / 4096) x.push_back(static_cast<Scalar>(v + 1e-5));
  for (const double v : {-100.0, -50.0, -20.0, -1e-6, 0.0, 1e-6, 20.0, 50.0, 100.0, -1e4, 1e4})
    x.push_back(static_cast<Scalar>(v));
  const auto n = static_cast<int64_t>(x.size());
  std::vector<Scalar> y(x.size()), ones(x.size(), 1), d(x.size());
  const double eps = std::numeric_limits<Scalar>::epsilon();
  for (const Activation act : {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                               Activation::silu, Activation::tanh}) {
    kernels::activate(act, x.data(), y.data(), n);
    kernels::activate_backward(act, x.data(), ones.data(), d.data(), 0, n);
    const Worst value = compare(x, y, [&](Wide v) { return exact(act, v); });
    const Worst slope = compare(x, d, [&](Wide v) { return exact_derivative(act, v); });
    std::printf(
        "accuracy %-9s value %6.1f ulp at %9.4f, %.1e absolute at %9.4f; derivative %6.1f ulp at "
        "%9.4f, %.1e absolute at %9.4f\n",
        activation_name(act), value.ulp, value.ulp_at, value.absolute, value.absolute_at, slope.ulp,
        slope.ulp_at, slope.absolute, slope.absolute_at);
    CAPTURE(std::string(activation_name(act)));
    // Of a large value one unit of the last place is allowed; near 0 gelu loses digits in 1 + erf,
    // as PyTorch's does.
    const Worst inner = compare({x.begin(), x.end() - 11}, {y.begin(), y.end() - 11},
                                [&](Wide v) { return exact(act, v); });
    CHECK(inner.absolute < 12 * eps);
    // gelu_tanh: 1 - t^2 is multiplied by up to x^3, and so is the last place of t.
    CHECK(slope.absolute < (act == Activation::gelu_tanh ? 64 : 12) * eps);
    for (const Scalar v : y) REQUIRE(std::isfinite(v));
    for (const Scalar v : d) REQUIRE(std::isfinite(v));
  }
}

TEST_CASE("a chunk's place does not change a value by more than rounding") {
  // Eigen computes the first and last elements of an array by other code than the middle.
  std::vector<Scalar> x(1000);
  Random random(4);
  for (Scalar& v : x) v = static_cast<Scalar>(3 * random.normal());
  for (const Activation act :
       {Activation::gelu, Activation::gelu_tanh, Activation::silu, Activation::tanh}) {
    std::vector<Scalar> whole(1000), one(1000);
    kernels::activate(act, x.data(), whole.data(), 1000);
    for (size_t i = 0; i < 1000; ++i) kernels::activate(act, &x[i], &one[i], 1);
    for (size_t i = 0; i < 1000; ++i)
      REQUIRE(std::abs(double(whole[i]) - double(one[i])) <=
              8 * std::numeric_limits<Scalar>::epsilon() * std::max(1.0, std::abs(double(x[i]))));
  }
}

TEST_CASE("a kernel may write over its input, and beta adds") {
  std::vector<Scalar> x(300), dy(300);
  Random random(4);
  for (size_t i = 0; i < 300; ++i)
    x[i] = static_cast<Scalar>(random.normal()), dy[i] = static_cast<Scalar>(random.normal());
  for (const Activation act : {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                               Activation::silu, Activation::tanh}) {
    std::vector<Scalar> y(300), in_place = x, dx(300), over_dy = dy, added(300, 2);
    kernels::activate(act, x.data(), y.data(), 300);
    kernels::activate(act, in_place.data(), in_place.data(), 300);
    kernels::activate_backward(act, x.data(), dy.data(), dx.data(), 0, 300);
    kernels::activate_backward(act, x.data(), over_dy.data(), over_dy.data(), 0, 300);
    kernels::activate_backward(act, x.data(), dy.data(), added.data(), 1, 300);
    for (size_t i = 0; i < 300; ++i) {
      REQUIRE(in_place[i] == doctest::Approx(y[i]).epsilon(1e-5));
      REQUIRE(over_dy[i] == doctest::Approx(dx[i]).epsilon(1e-5));
      REQUIRE(added[i] == doctest::Approx(2 + dx[i]).epsilon(1e-5));
    }
  }
}

TEST_CASE("what is not a number stays so") {  // a step that went wrong must show in the loss
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  for (const Activation act : {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                               Activation::silu, Activation::tanh}) {
    CAPTURE(std::string(activation_name(act)));
    std::vector<Scalar> x(37, 1), y(37);
    x[3] = x[20] = x[36] = nan;  // in vector lanes and in the remainder
    kernels::activate(act, x.data(), y.data(), 37);
    for (size_t i = 0; i < 37; ++i) CHECK(std::isnan(y[i]) == std::isnan(x[i]));
  }
}
