#include "task.h"

namespace task {

using namespace engine;

Tensor softplus(Graph& g, const Tensor& x) {
  Tensor y = g.make(x.shape());
  y.flat() = x.flat().max(Scalar(0)) + (-x.flat().abs()).exp().log1p();
  const Tensor xs = g.keep(x, {x});
  return g.record("softplus", y, {x}, [=](Backward& bw) {
    if (auto dx = bw.into(xs)) dx.put(bw.dy().flat() / (1 + (-xs.flat()).exp()));
  });
}

Tensor multiply_add(Graph& g, const Tensor& a, const Tensor& x, const Tensor& b) {
  Tensor y = g.make(x.shape());
  y.flat() = a.flat() * x.flat() + b.flat();
  const Tensor as = g.keep(a, {x}), xs = g.keep(x, {a}), bs = b.ghost();
  return g.record("multiply_add", y, {a, x, b}, [=](Backward& bw) {
    if (auto da = bw.into(as)) da.put(bw.dy().flat() * xs.flat());
    if (auto dx = bw.into(xs)) dx.put(bw.dy().flat() * as.flat());
    if (auto db = bw.into(bs)) db.put(bw.dy().flat());
  });
}

}  // namespace task
