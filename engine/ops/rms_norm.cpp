// By row of d columns:  r = 1 / sqrt(mean(x^2) + eps);  y = w x r
//   with e = w dy:  dx = r (e - x r^2 mean(e x)),   dw = sum over rows of dy x r
// Saves x and one r a row, both only if x or w needs a gradient. Cost: one pass each way.
//
// A row of k ranges is k rows of this formula: a matrix of (n k, d / k) in the same memory.
#include "engine/ops/rms_norm.h"

#include <cmath>

#include "engine/ops/columns.h"

namespace engine {

Tensor rms_norm(Graph& g, const Tensor& x, const Tensor& w, Scalar eps) {
  const int64_t d = w.size();
  check(w.rows() == 1 && d > 0 && x.cols() % d == 0, "rms_norm", "weight ", w.shape(),
        " does not fit input ", x.shape());
  const int64_t rows = x.size() / d;
  Tensor y = g.make(x.shape());
  const Tensor scales = g.make({rows, 1});  // r
  parallel_for(rows, 4 * d, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const ConstRowMap row(x.data() + i * d, d);
      const Scalar r = Scalar(1) / std::sqrt(row.square().mean() + eps);
      RowMap(y.data() + i * d, d) = row * r * w.flat();
      scales.data()[i] = r;
    }
  });
  const Tensor xs = g.keep(x, {x, w}), ws = g.needs(x) ? w : w.ghost(), rs = g.keep(scales, {x, w});
  return g.record("rms_norm", y, {x, w}, [=](Backward& bw) {
    const Scalar* dy = bw.dy().data();
    if (auto dw = bw.into(ws))
      kernels::sum_rows(rows, d, dw.data, dw.beta,
                        [&](int64_t i, int64_t c, int64_t width, Scalar* part) {
                          const Scalar r = rs.data()[i];
                          const Scalar *e = dy + i * d + c, *v = xs.data() + i * d + c;
                          for (int64_t j = 0; j < width; ++j) part[j] += e[j] * v[j] * r;
                        });
    if (auto dx = bw.into(xs))
      parallel_for(rows, 6 * d, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const ConstRowMap row(xs.data() + i * d, d), e(dy + i * d, d), weight(ws.data(), d);
          const Scalar r = rs.data()[i], shift = r * r * (e * weight * row).mean();
          RowMap sink(dx.data + i * d, d);
          if (dx.beta == 0)
            sink = r * (e * weight - row * shift);
          else
            sink += r * (e * weight - row * shift);
        }
      });
  });
}

}  // namespace engine
