// y = act(u) v, u the gate
//   du = dy v act'(u),   dv = dy act(u)
// Saves u, and v if u needs a gradient; act(u) is computed again. Cost: one pass each way.
#include "engine/ops/gated.h"

#include "engine/tensor/parallel.h"

namespace engine {
namespace {

constexpr int64_t kColumns = 256;  // columns at once: both buffers stay in the first cache

// fn(row, first column, columns) over (n, d) in chunks.
template <class F>
void for_chunks(int64_t n, int64_t d, int64_t cost, F&& fn) {
  parallel_for(n, cost * d, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < d; c += kColumns) fn(r, c, std::min(kColumns, d - c));
  });
}

void forward(const Tensor& y, const Scalar* u, const Scalar* v, int64_t stride, Activation act) {
  for_chunks(y.rows(), y.cols(), 9, [&](int64_t r, int64_t c, int64_t width) {
    RowMap out(y.row(r) + c, width);
    kernels::activate(act, u + r * stride + c, out.data(), width);
    out *= ConstRowMap(v + r * stride + c, width);
  });
}

// u and du have the same stride, as have v and dv. Where du is dv, it is written in this order.
void backward(const Tensor& dy, const Scalar* u, const Scalar* v, int64_t stride,
              const GradSink& du, const GradSink& dv, Activation act) {
  for_chunks(dy.rows(), dy.cols(), 16, [&](int64_t r, int64_t c, int64_t width) {
    alignas(64) Scalar buffer[kColumns];  // Eigen rounds by alignment: not the thread's choice
    RowMap chunk(buffer, width);
    const ConstRowMap e(dy.row(r) + c, width);
    const int64_t at = r * stride + c;
    if (du) {
      chunk = e * ConstRowMap(v + at, width);
      kernels::activate_backward(act, u + at, buffer, du.data + at, du.beta, width);
    }
    if (dv) {
      kernels::activate(act, u + at, buffer, width);
      RowMap sink(dv.data + at, width);
      if (dv.beta == 0)
        sink = e * chunk;
      else
        sink += e * chunk;
    }
  });
}

}  // namespace

Tensor gated(Graph& g, const Tensor& gate, const Tensor& up, Activation act) {
  check(gate.shape() == up.shape(), "gated", "gate ", gate.shape(), " and up ", up.shape(),
        " differ");
  Tensor y = g.make(gate.shape());
  forward(y, gate.data(), up.data(), y.cols(), act);
  const Tensor us = g.keep(gate, {gate, up}), vs = g.keep(up, {gate});
  return g.record("gated", y, {gate, up}, [=](Backward& bw) {
    const GradSink du = bw.into(us), dv = bw.into(vs);
    backward(bw.dy(), us.data(), vs.data(), us.cols(), du, dv, act);
  });
}

Tensor gated(Graph& g, const Tensor& x, Activation act) {
  check(x.cols() % 2 == 0, "gated", "input ", x.shape(), " does not have two halves");
  const int64_t d = x.cols() / 2;
  Tensor y = g.make({x.rows(), d});
  forward(y, x.data(), x.data() + d, x.cols(), act);
  const Tensor xs = g.keep(x, {x});
  return g.record("gated", y, {x}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    backward(bw.dy(), xs.data(), xs.data() + d, xs.cols(), dx, {dx.data + d, dx.beta}, act);
  });
}

}  // namespace engine
