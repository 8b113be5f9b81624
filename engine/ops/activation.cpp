#include "engine/ops/activation.h"

#include <unsupported/Eigen/SpecialFunctions>

#include "engine/tensor/parallel.h"

namespace engine {
namespace {

// On the stack: a pass stays in the first cache.
using Chunk = Eigen::Array<Scalar, Eigen::Dynamic, 1, 0, 256, 1>;
constexpr int64_t kChunk = 256;
constexpr Scalar kInvSqrt2 = Scalar(0.70710678118654752440);
constexpr Scalar kInvSqrt2Pi = Scalar(0.39894228040143267794);
constexpr Scalar kSqrt2OverPi = Scalar(0.79788456080286535588);
constexpr Scalar kCubic = Scalar(0.044715);

template <class F>
void by_chunk(int64_t n, F&& fn) {
  for (int64_t i = 0; i < n; i += kChunk) fn(i, std::min(kChunk, n - i));
}

using In = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
using Out = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;

void derivative(Activation act, const In& x, Chunk& d) {
  switch (act) {
    case Activation::gelu:  // Phi(x) + x phi(x)
      d = Scalar(0.5) * (Scalar(1) + (x * kInvSqrt2).erf()) +
          x * kInvSqrt2Pi * (Scalar(-0.5) * x.square()).exp();
      break;
    case Activation::gelu_tanh: {  // 0.5 (1 + t) + 0.5 x (1 - t^2) u', t = tanh(u)
      const Chunk t = (kSqrt2OverPi * (x + kCubic * x.cube())).tanh();
      d = Scalar(0.5) * (Scalar(1) + t) + Scalar(0.5) * x * (Scalar(1) - t.square()) *
                                              kSqrt2OverPi * (Scalar(1) + 3 * kCubic * x.square());
      break;
    }
    case Activation::relu:
      d = (x > Scalar(0)).cast<Scalar>();
      break;
    case Activation::silu: {  // s (1 + x (1 - s)), s = sigmoid(x)
      const Chunk s = Scalar(1) / (Scalar(1) + (-x).exp());
      d = s * (Scalar(1) + x * (Scalar(1) - s));
      break;
    }
    case Activation::tanh: {
      const Chunk t = x.tanh();
      d = Scalar(1) - t.square();
      break;
    }
  }
}

}  // namespace

Activation activation_from_name(std::string_view name) {
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_tanh")
    return Activation::gelu_tanh;
  if (name == "relu") return Activation::relu;
  if (name == "silu" || name == "swish") return Activation::silu;
  if (name == "tanh") return Activation::tanh;
  fail("activation", "unknown activation '", name, "'",
       hint("known are gelu, gelu_new, gelu_pytorch_tanh, relu, silu, swish, tanh"));
}

const char* activation_name(Activation act) {
  switch (act) {
    case Activation::gelu:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_new";
    case Activation::relu:
      return "relu";
    case Activation::silu:
      return "silu";
    case Activation::tanh:
      return "tanh";
  }
  return "?";
}

namespace kernels {

void activate(Activation act, const Scalar* x, Scalar* y, int64_t n) {
  by_chunk(n, [&](int64_t at, int64_t count) {
    const In in(x + at, count);
    Out out(y + at, count);
    switch (act) {
      case Activation::gelu:
        out = Scalar(0.5) * in * (Scalar(1) + (in * kInvSqrt2).erf());
        break;
      case Activation::gelu_tanh:
        out = Scalar(0.5) * in * (Scalar(1) + (kSqrt2OverPi * (in + kCubic * in.cube())).tanh());
        break;
      case Activation::relu:
        out = in.max(Scalar(0));
        break;
      case Activation::silu:
        out = in / (Scalar(1) + (-in).exp());
        break;
      case Activation::tanh:
        out = in.tanh();
        break;
    }
  });
}

void activate_backward(Activation act, const Scalar* x, const Scalar* dy, Scalar* dx, Scalar beta,
                       int64_t n) {
  by_chunk(n, [&](int64_t at, int64_t count) {
    Chunk d(count);
    derivative(act, In(x + at, count), d);
    Out out(dx + at, count);
    if (beta == 0)
      out = In(dy + at, count) * d;
    else
      out += In(dy + at, count) * d;
  });
}

}  // namespace kernels

Tensor activation(Graph& g, const Tensor& x, Activation act) {
  Tensor y = g.make(x.shape());
  parallel_for(
      x.size(), 8,
      [&](int64_t begin, int64_t end) {
        kernels::activate(act, x.data() + begin, y.data() + begin, end - begin);
      },
      kChunk);
  if (act == Activation::tanh) {  // 1 - y^2: the next layer often saves y anyway
    const Tensor ys = g.keep(y, {x});
    const Tensor input = x.ghost();
    return g.record("tanh", y, {x}, [=](Backward& bw) {
      bw.into(input).put(bw.dy().flat() * (Scalar(1) - ys.flat().square()));
    });
  }
  const Tensor xs = g.keep(x, {x});
  return g.record(activation_name(act), y, {x}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    parallel_for(
        xs.size(), 12,
        [&](int64_t begin, int64_t end) {
          kernels::activate_backward(act, xs.data() + begin, bw.dy().data() + begin,
                                     dx.data + begin, dx.beta, end - begin);
        },
        kChunk);
  });
}

}  // namespace engine
