// linear:  y = x W^T + b
//   dx = dy W          one product, only if x needs a gradient; keeps W (a parameter: no bytes)
//   dW = dy^T x        one product, only if W is trainable; then, and only then, x is kept
//   db = column sums of dy
// Cost of each product: 2 n in out FLOPs. A weight that is held as BF16 is read as that; where its
// products multiply BF16 values, x too is kept as BF16, and dy is narrowed once for both products.
//
// linear_activation:  u = x W^T + b, y = act(u);  du = dy act'(u), then as above. Keeps u, not y.
//
// low_rank_add:  y + s (m x) A^T B^T, m the dropout mask. With t = (m x) A^T (n, r):
//   dB = s dy^T t;  dt = s dy B;  dA = dt^T (m x);  dx += m (dt A).
// Keeps x and t; the masked x is made again. The frozen W's own gradient is not there, which is
// LoRA's saving.
#include "engine/ops/linear.h"

#include <algorithm>
#include <array>

#include "engine/ops/columns.h"
#include "engine/ops/dropout.h"
#include "engine/ops/weight_product.h"

namespace engine {
namespace {

void check_shapes(const char* op, const Tensor& x, const Tensor& w, const Tensor& b) {
  check(x.cols() == w.cols(), op, "input ", x.shape(), " does not fit weight ", w.shape());
  check(!b || b.shape() == Shape{1, w.rows()}, op, "bias ", b.shape(), " does not fit weight ",
        w.shape());
}

void add_row(const Tensor& y, const Tensor& b) {
  parallel_for(y.rows(), y.cols(), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) y.row_array(r) += b.flat();
  });
}

// du = du act'(u) for rows of u, which are widened a part at a time.
void activate_backward(Activation act, const HalfRef& u, Scalar* du) {
  constexpr int64_t kPart = 512;
  std::array<Scalar, kPart> part;
  for (int64_t r = 0; r < u.rows; ++r)
    for (int64_t c = 0; c < u.cols; c += kPart) {
      const int64_t n = std::min(kPart, u.cols - c);
      Scalar* const to = du + r * u.cols + c;
      widen(u.data + r * u.stride + c, n, part.data());
      kernels::activate_backward(act, part.data(), to, to, 0, n);
    }
}

// u = x W^T, and what its backward reads.
struct Product {
  Tensor x;                // a ghost unless dW is wanted
  kernels::Narrowed half;  // x as BF16 in its place
  kernels::Weight w;       // a ghost unless dx is wanted
  Tensor b;

  Product(Graph& g, const Tensor& in, const Tensor& weight, const Tensor& bias, const Tensor& u)
      : w(g, weight), b(bias.ghost()) {
    if (g.needs(weight) && w.narrows()) {
      half = kernels::Narrowed(in, [&](Shape shape) { return g.make(shape); });
      w.forward(half.rows(0, in.rows()), 0, u.data());
      half.memory = g.keep(half.memory, {weight});
      x = in.ghost();
    } else {
      w.forward(in, 0, u.data());
      x = g.keep(in, {weight});  // frozen W: x is not kept
    }
    if (!g.needs(in)) w = w.ghost();
  }

  // The three gradients, given that of u.
  void backward(Backward& bw, const Tensor& du) const {
    GradSink dx = bw.into(x), dw = bw.into(w.tensor());
    if (dw && half.memory) {
      const kernels::Narrowed dy(du, [&](Shape shape) { return bw.scratch(shape); });
      const HalfRef rows = dy.rows(0, du.rows());
      if (dx) w.input_gradient(rows, dx.beta, dx.data);
      half_gemm(true, false, rows, half.rows(0, du.rows()), dw.beta, dw.data,
                Work::weight_gradient);
    } else {
      if (dx) w.input_gradient(du, dx.beta, dx.data);
      if (dw) gemm(true, false, du, x, dw.beta, dw.data, Work::weight_gradient);
    }
    if (auto db = bw.into(b)) kernels::column_sums(du, db.data, db.beta);
  }
};

}  // namespace

Tensor linear(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b) {
  check_shapes("linear", x, w, b);
  Tensor y = g.make({x.rows(), w.rows()});
  const Product product(g, x, w, b, y);
  if (b) add_row(y, b);
  return g.record("linear", y, {x, w, b}, [=](Backward& bw) { product.backward(bw, bw.dy()); });
}

Tensor linear_activation(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b,
                         Activation act) {
  check_shapes("linear_activation", x, w, b);
  const bool any = g.needs(x) || g.needs(w) || g.needs(b);
  Tensor u = g.make({x.rows(), w.rows()});
  const Product product(g, x, w, b, u);
  Tensor y = any ? g.make(u.shape()) : u;  // nothing to keep: in place
  parallel_for(u.rows(), 12 * u.cols(), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      if (b) u.row_array(r) += b.flat();
      kernels::activate(act, u.row(r), y.row(r), u.cols());
    }
  });
  // Its derivative is a smooth function of u: where products are of BF16 values, so is u.
  kernels::Narrowed half;
  if (any && product.w.narrows()) {
    half = kernels::Narrowed(u, [&](Shape shape) { return g.make(shape); });
    half.memory = g.keep(half.memory, {x, w, b});
  }
  const Tensor us = half.memory ? u.ghost() : g.keep(u, {x, w, b});
  return g.record("linear_activation", y, {x, w, b}, [=](Backward& bw) {
    const Tensor dy = bw.dy();
    // Over dy: nobody else reads it any more.
    parallel_for(us.rows(), 12 * us.cols(), [&](int64_t begin, int64_t end) {
      const int64_t at = begin * us.cols(), n = (end - begin) * us.cols();
      if (half.memory)
        activate_backward(act, half.rows(begin, end - begin), dy.data() + at);
      else
        kernels::activate_backward(act, us.data() + at, dy.data() + at, dy.data() + at, 0, n);
    });
    product.backward(bw, dy);
  });
}

Tensor low_rank_add(Graph& g, Tensor y, const Tensor& x, const Tensor& a, const Tensor& b,
                    double scale, double p, int64_t begin) {
  check(x.cols() == a.cols() && a.rows() == b.cols(), "low_rank_add", "input ", x.shape(),
        " does not fit A ", a.shape(), " and B ", b.shape());
  const int64_t first = std::max<int64_t>(begin, 0), out_width = b.rows(), stride = y.cols();
  check(y.rows() == x.rows() && (begin < 0 ? stride == out_width : first + out_width <= stride),
        "low_rank_add", "y ", y.shape(), " does not fit x ", x.shape(), " and B ", b.shape());
  const DropoutMask mask = DropoutMask::next(g, p);
  const auto masked = [mask](const Tensor& from, const Tensor& to, Scalar beta) {
    parallel_for(
        from.size(), 4,
        [&](int64_t at, int64_t end) {
          mask.apply(at, end - at, from.data() + at, to.data() + at, beta);
        },
        DropoutMask::kAlign);
  };
  const auto s = static_cast<Scalar>(scale);
  Tensor t = g.make({x.rows(), a.rows()});
  {
    Tensor mx = x;
    if (mask) masked(x, mx = g.make(x.shape()), 0);
    gemm(false, true, mx, a, 0, t.data());
  }
  const Tensor before = y.ghost();
  Tensor out = g.reuse(std::move(y));
  gemm(false, true, t, b, 1, out.data() + first, Work::forward, s, stride);
  const Tensor xs = g.keep(x, {a}), ts = g.keep(t, {b});
  const bool through = g.needs(x) || g.needs(a);
  const Tensor as = g.needs(x) ? a : a.ghost(), bs = through ? b : b.ghost();
  return g.record("low_rank_add", out, {before, x, a, b}, [=](Backward& bw) {
    const MatrixRef dy(bw.dy().data() + first, bw.dy().rows(), out_width, stride);
    if (auto db = bw.into(bs))
      gemm(true, false, dy, ts, db.beta, db.data, Work::weight_gradient, s);
    if (through) {
      Tensor dt = bw.scratch({dy.rows, as.rows()});
      gemm(false, false, dy, bs, 0, dt.data(), Work::input_gradient, s);
      if (auto da = bw.into(as)) {
        Tensor mx = xs;
        if (mask) masked(xs, mx = bw.scratch(xs.shape()), 0);
        gemm(true, false, dt, mx, da.beta, da.data, Work::weight_gradient);
      }
      if (auto dx = bw.into(xs)) {
        if (!mask) {
          gemm(false, false, dt, as, dx.beta, dx.data, Work::input_gradient);
        } else {
          Tensor dmx = bw.scratch(xs.shape());
          gemm(false, false, dt, as, 0, dmx.data(), Work::input_gradient);
          masked(dmx, Tensor(xs.shape(), dx.data), dx.beta);
        }
      }
    }
    bw.give(before);
  });
}

}  // namespace engine
