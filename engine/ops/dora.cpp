// row_lengths:  |W_i + s B_i A|^2 = |W_i|^2 + 2 s B_i . (W A^T)_i + s^2 B_i (A A^T) B_i^T
//   Two products, 2 out in r and 2 r r in FLOPs: the sum W + s B A (out x in) is never made.
//
// rescale:  y' = y + (f - 1) (y - b),  f = m / l
//   dy = f dy',   db = sum over rows of (1 - f) dy',   dm = sum over rows of dy' (y - b) / l
// Where m = l, as at the start, y' is y bit for bit. Saves y if m needs a gradient. Cost: one pass.
#include "engine/ops/dora.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/columns.h"

namespace engine {

// In double: the lengths of an unchanged weight must be the same numbers however they are made.
static double square(const Scalar* row, int64_t n) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i)
    total += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  return total;
}

void row_lengths(const Scalar* w, int64_t rows, int64_t cols, Scalar* out) {
  parallel_for(rows, 2 * cols, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      out[i] = static_cast<Scalar>(std::sqrt(square(w + i * cols, cols)));
  });
}

Tensor row_lengths(Graph& g, const RowLengths& of) {
  const int64_t out = of.b.rows(), in = of.w.cols(), r = of.a.rows();
  check(of.a.cols() == in && of.b.cols() == r && of.begin >= 0 && of.begin + out <= of.w.rows(),
        "row_lengths", "A ", of.a.shape(), " and B ", of.b.shape(), " do not fit weight ",
        of.w.shape());
  const MatrixRef rows(of.w.row(of.begin), out, in, in);
  const Tensor wa = g.make({out, r}), aa = g.make({r, r}), lengths = g.make({1, out});
  gemm(false, true, rows, of.a, 0, wa.data());
  gemm(false, true, of.a, of.a, 0, aa.data());
  parallel_for(out, 2 * in + 2 * r * r, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Scalar* b = of.b.row(i);
      double cross = 0, update = 0;
      for (int64_t j = 0; j < r; ++j) {
        cross += static_cast<double>(b[j]) * static_cast<double>(wa.row(i)[j]);
        for (int64_t k = 0; k < r; ++k)
          update += static_cast<double>(b[j]) * static_cast<double>(b[k]) *
                    static_cast<double>(aa.row(j)[k]);
      }
      const double all =
          square(rows.data + i * in, in) + 2 * of.scale * cross + of.scale * of.scale * update;
      lengths.data()[i] = static_cast<Scalar>(std::sqrt(std::max(all, 0.0)));
    }
  });
  return lengths;
}

Tensor rescale(Graph& g, Tensor y, const Tensor& bias, const Tensor& magnitude,
               const Tensor& lengths, int64_t first) {
  const int64_t out = magnitude.cols(), cols = y.cols();
  check(magnitude.rows() == 1 && magnitude.shape() == lengths.shape() && first >= 0 &&
            first + out <= cols && (!bias || bias.shape() == Shape{1, cols}),
        "rescale", "y ", y.shape(), " does not fit magnitudes ", magnitude.shape(), ", lengths ",
        lengths.shape(), " and bias ", bias.shape());
  const Tensor before = y.ghost(), ys = g.keep(y, {magnitude});
  const Tensor to = g.reuse(std::move(y));
  const auto part = [first, out](const Tensor& t, int64_t r) {
    return RowMap(t.row(r) + first, out);
  };
  const Tensor factor = g.make({1, out});  // m / l - 1
  if (!DryRun::on()) factor.flat() = magnitude.flat() / lengths.flat() - 1;
  parallel_for(to.rows(), 3 * out, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      RowMap row = part(to, r);
      if (bias)
        row += factor.flat() * (row - part(bias, 0));
      else
        row += factor.flat() * row;
    }
  });
  const Tensor biases = g.keep(bias, {magnitude}), bs = bias.ghost();
  const Tensor ls = g.keep(lengths, {magnitude}), ms = magnitude.ghost(),
               fs = g.keep(factor, {before, bias});
  const bool through = g.needs(before);
  return g.record("rescale", to, {before, bias, magnitude}, [=](Backward& bw) {
    const Tensor& dy = bw.dy();
    if (auto dm = bw.into(ms))
      kernels::sum_rows(dy.rows(), out, dm.data, dm.beta,
                        [&](int64_t r, int64_t c, int64_t width, Scalar* total) {
                          const Scalar *d = dy.row(r) + first + c, *v = ys.row(r) + first + c;
                          const Scalar* b = biases ? biases.data() + first + c : nullptr;
                          const Scalar* l = ls.data() + c;
                          for (int64_t j = 0; j < width; ++j)
                            total[j] += d[j] * (b ? v[j] - b[j] : v[j]) / l[j];
                        });
    if (auto db = bw.into(bs))
      kernels::sum_rows(dy.rows(), cols, db.data, db.beta,
                        [&](int64_t r, int64_t c, int64_t width, Scalar* total) {
                          const int64_t end = std::min(c + width, first + out);
                          for (int64_t j = std::max(c, first); j < end; ++j)
                            total[j - c] -= fs.data()[j - first] * dy.row(r)[j];
                        });
    if (!through) return;
    parallel_for(dy.rows(), 2 * out, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        part(dy, r) *= fs.flat() + 1;  // over dy: nobody else reads it any more
    });
    bw.give(before);
  });
}

}  // namespace engine
