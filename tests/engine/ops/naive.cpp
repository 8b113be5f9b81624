#include "tests/engine/ops/naive.h"

#include <cmath>
#include <complex>

namespace naive {

using namespace engine;
using Wide = long double;

namespace {

// into += or = values, by a function of the element.
template <class F>
void write(const GradSink& sink, Shape shape, F&& value) {
  if (!sink) return;
  for (int64_t r = 0; r < shape.rows; ++r)
    for (int64_t c = 0; c < shape.cols; ++c) {
      Scalar& at = sink.data[r * shape.cols + c];
      at = static_cast<Scalar>(value(r, c)) + (sink.beta == 0 ? Scalar(0) : at);
    }
}

Scalar at(const Tensor& t, int64_t r, int64_t c) { return t.data()[r * t.cols() + c]; }

}  // namespace

Tensor copy(Graph& g, const Tensor& x) {
  Tensor y = g.make(x.shape());
  y.flat() = x.flat();
  const Tensor input = x.ghost();
  return g.record("naive copy", y, {x}, [=](Backward& bw) {
    write(bw.into(input), input.shape(), [&](int64_t r, int64_t c) { return at(bw.dy(), r, c); });
  });
}

Tensor matmul(Graph& g, const Tensor& a, const Tensor& b) {
  check(a.cols() == b.rows(), "naive matmul", a.shape(), " ", b.shape());
  Tensor y = g.make({a.rows(), b.cols()});
  for (int64_t r = 0; r < y.rows(); ++r)
    for (int64_t c = 0; c < y.cols(); ++c) {
      Wide sum = 0;
      for (int64_t k = 0; k < a.cols(); ++k) sum += Wide(at(a, r, k)) * at(b, k, c);
      y.row(r)[c] = static_cast<Scalar>(sum);
    }
  return g.record("naive matmul", y, {a, b}, [=](Backward& bw) {
    const Tensor& dy = bw.dy();
    write(bw.into(a), a.shape(), [&](int64_t r, int64_t c) {
      Wide sum = 0;
      for (int64_t k = 0; k < dy.cols(); ++k) sum += Wide(at(dy, r, k)) * at(b, c, k);
      return sum;
    });
    write(bw.into(b), b.shape(), [&](int64_t r, int64_t c) {
      Wide sum = 0;
      for (int64_t k = 0; k < dy.rows(); ++k) sum += Wide(at(dy, k, c)) * at(a, k, r);
      return sum;
    });
  });
}

Tensor transpose(Graph& g, const Tensor& x) {
  Tensor y = g.make({x.cols(), x.rows()});
  for (int64_t r = 0; r < y.rows(); ++r)
    for (int64_t c = 0; c < y.cols(); ++c) y.row(r)[c] = at(x, c, r);
  const Tensor input = x.ghost();
  return g.record("naive transpose", y, {x}, [=](Backward& bw) {
    write(bw.into(input), input.shape(), [&](int64_t r, int64_t c) { return at(bw.dy(), c, r); });
  });
}

Tensor stack(Graph& g, const Tensor& above, const Tensor& below) {
  Tensor y = g.make({above.rows() + below.rows(), above.cols()});
  std::copy_n(above.data(), above.size(), y.data());
  std::copy_n(below.data(), below.size(), y.data() + above.size());
  const Tensor a = above.ghost(), b = below.ghost();
  return g.record("naive stack", y, {above, below}, [=](Backward& bw) {
    write(bw.into(a), a.shape(), [&](int64_t r, int64_t c) { return at(bw.dy(), r, c); });
    write(bw.into(b), b.shape(),
          [&](int64_t r, int64_t c) { return at(bw.dy(), r + a.rows(), c); });
  });
}

Tensor softmax(Graph& g, const Tensor& x, const std::function<bool(int64_t, int64_t)>& sees) {
  Tensor y = g.make(x.shape());
  for (int64_t r = 0; r < x.rows(); ++r) {
    Wide most = -INFINITY, sum = 0;
    for (int64_t c = 0; c < x.cols(); ++c)
      if (sees(r, c)) most = std::max<Wide>(most, at(x, r, c));
    for (int64_t c = 0; c < x.cols(); ++c)
      if (sees(r, c)) sum += std::exp(Wide(at(x, r, c)) - most);
    for (int64_t c = 0; c < x.cols(); ++c)
      y.row(r)[c] =
          sees(r, c) ? static_cast<Scalar>(std::exp(Wide(at(x, r, c)) - most) / sum) : Scalar(0);
  }
  const Tensor input = x.ghost();
  return g.record("naive softmax", y, {x}, [=](Backward& bw) {
    write(bw.into(input), y.shape(), [&](int64_t r, int64_t c) {
      Wide mean = 0;
      for (int64_t k = 0; k < y.cols(); ++k) mean += Wide(at(y, r, k)) * at(bw.dy(), r, k);
      return at(y, r, c) * (at(bw.dy(), r, c) - mean);
    });
  });
}

Tensor place(Graph& g, const Tensor& x, Shape shape, int64_t row, int64_t col) {
  Tensor y = g.make(shape);
  y.flat().setZero();
  y.mat().block(row, col, x.rows(), x.cols()) = x.mat();
  const Tensor input = x.ghost();
  return g.record("naive place", y, {x}, [=](Backward& bw) {
    write(bw.into(input), input.shape(),
          [&](int64_t r, int64_t c) { return at(bw.dy(), r + row, c + col); });
  });
}

Tensor cross_entropy(Graph& g, const Tensor& x, const std::vector<double>& labels,
                     double smoothing) {
  const int64_t n = x.rows(), classes = x.cols();
  const auto target = [=](int64_t r, int64_t c) {
    return (c == static_cast<int64_t>(labels[static_cast<size_t>(r)]) ? 1 - Wide(smoothing) : 0) +
           Wide(smoothing) / classes;
  };
  Wide total = 0;
  std::vector<Wide> p(static_cast<size_t>(x.size()));
  for (int64_t r = 0; r < n; ++r) {
    Wide most = at(x, r, 0), sum = 0;
    for (int64_t c = 0; c < classes; ++c) most = std::max<Wide>(most, at(x, r, c));
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(at(x, r, c) - most);
    for (int64_t c = 0; c < classes; ++c) {
      const Wide log_p = at(x, r, c) - most - std::log(sum);
      p[static_cast<size_t>(r * classes + c)] = std::exp(log_p);
      total -= target(r, c) * log_p / n;
    }
  }
  Tensor loss = g.make({1, 1});
  *loss.data() = static_cast<Scalar>(total);
  const Tensor input = x.ghost();
  return g.record("naive cross_entropy", loss, {x}, [=](Backward& bw) {
    write(bw.into(input), input.shape(), [&](int64_t r, int64_t c) {
      return *bw.dy().data() * (p[static_cast<size_t>(r * classes + c)] - target(r, c)) / n;
    });
  });
}

Tensor multiply(Graph& g, const Tensor& a, const Tensor& b) {
  Tensor y = g.make(a.shape());
  y.flat() = a.flat() * b.flat();
  return g.record("naive multiply", y, {a, b}, [=](Backward& bw) {
    const Tensor& dy = bw.dy();
    write(bw.into(a), a.shape(), [&](int64_t r, int64_t c) { return at(dy, r, c) * at(b, r, c); });
    write(bw.into(b), b.shape(), [&](int64_t r, int64_t c) { return at(dy, r, c) * at(a, r, c); });
  });
}

Tensor rms_norm(Graph& g, const Tensor& x, const Tensor& w, double eps) {
  const int64_t d = w.size();
  // sum of f(column) over the range of columns that holds column c
  const auto mean = [=](int64_t c, auto&& f) {
    Wide sum = 0;
    for (int64_t k = c / d * d; k < c / d * d + d; ++k) sum += f(k);
    return sum / d;
  };
  const auto root = [=](int64_t r, int64_t c) {
    return std::sqrt(mean(c, [&](int64_t k) { return Wide(at(x, r, k)) * at(x, r, k); }) + eps);
  };
  Tensor y = g.make(x.shape());
  for (int64_t r = 0; r < x.rows(); ++r)
    for (int64_t c = 0; c < x.cols(); ++c)
      y.row(r)[c] = static_cast<Scalar>(w.data()[c % d] * Wide(at(x, r, c)) / root(r, c));
  return g.record("naive rms_norm", y, {x, w}, [=](Backward& bw) {
    const Tensor& dy = bw.dy();
    write(bw.into(x), x.shape(), [&](int64_t r, int64_t c) {
      const Wide size = root(r, c);
      const Wide shared =
          mean(c, [&](int64_t k) { return Wide(at(dy, r, k)) * w.data()[k % d] * at(x, r, k); });
      return at(dy, r, c) * Wide(w.data()[c % d]) / size -
             at(x, r, c) * shared / (size * size * size);
    });
    write(bw.into(w), w.shape(), [&](int64_t, int64_t j) {
      Wide sum = 0;
      for (int64_t r = 0; r < x.rows(); ++r)
        for (int64_t c = j; c < x.cols(); c += d)
          sum += Wide(at(dy, r, c)) * at(x, r, c) / root(r, c);
      return sum;
    });
  });
}

Tensor rotary(Graph& g, const Tensor& x, const std::vector<int32_t>& positions,
              const std::vector<float>& frequencies, int64_t width, double scale) {
  const auto half = static_cast<int64_t>(frequencies.size());
  // Element (r, c) of t, rotated by `direction` times its angle.
  const auto rotated = [=](const Tensor& t, int64_t r, int64_t c, int direction) -> Wide {
    const int64_t in_head = c % width, j = in_head % half;
    if (in_head >= 2 * half) return at(t, r, c);
    const int64_t first = c - in_head + j;
    const float angle =
        static_cast<float>(positions[static_cast<size_t>(r)]) * frequencies[static_cast<size_t>(j)];
    const auto z = std::complex<Wide>(at(t, r, first), at(t, r, first + half)) *
                   std::polar<Wide>(scale, Wide(direction) * angle);
    return in_head < half ? z.real() : z.imag();
  };
  Tensor y = g.make(x.shape());
  for (int64_t r = 0; r < x.rows(); ++r)
    for (int64_t c = 0; c < x.cols(); ++c) y.row(r)[c] = static_cast<Scalar>(rotated(x, r, c, 1));
  const Tensor input = x.ghost();
  return g.record("naive rotary", y, {x}, [=](Backward& bw) {
    write(bw.into(input), input.shape(),
          [&](int64_t r, int64_t c) { return rotated(bw.dy(), r, c, -1); });
  });
}

}  // namespace naive
