// z (n, d);  mean and var by row;  rstd = 1 / sqrt(var + eps);  xhat = (z - mean) rstd;  y = w xhat
// + b.
//   with e = w dy:  dz = rstd (e - mean(e) - xhat mean(e xhat)),   dw = sum over rows of dy xhat,
//   db = column sums of dy
// Keeps z and, by row, mean and rstd; xhat is made again. Nothing but the column sums is kept from
// if only b is trainable. Two passes over a row that is in the first cache: mean, then variance, as
// stable as the definition.
//
// add_layer_norm is z = residual + m h, m the dropout factors, in the same pass. It writes z over h
// when nobody else holds h.
#include "engine/ops/layer_norm.h"

#include <cmath>
#include <numeric>

#include "engine/ops/columns.h"
#include "engine/ops/dropout.h"

namespace engine {
namespace {

void check_features(const char* op, const Tensor& z, const Tensor& w, const Tensor& b) {
  check(w.size() == z.cols() && (!b || b.size() == z.cols()), op, "weight ", w.shape(),
        " and bias ", b.shape(), " do not fit input ", z.shape());
}

struct Statistics {
  Tensor mean, rstd;  // (n, 1) each
};

void normalise_row(const Tensor& z, int64_t r, const Tensor& y, const Tensor& w, const Tensor& b,
                   Scalar eps, const Statistics& s) {
  const auto row = z.row_array(r);
  const Scalar mean = row.mean();
  const Scalar rstd = Scalar(1) / std::sqrt((row - mean).square().mean() + eps);
  if (b)
    y.row_array(r) = (row - mean) * rstd * w.flat() + b.flat();
  else
    y.row_array(r) = (row - mean) * rstd * w.flat();
  s.mean.data()[r] = mean;
  s.rstd.data()[r] = rstd;
}

// dz into `sink` (row r of beta = 0 or 1).
void backward_row(const Tensor& dy, const Tensor& z, const Tensor& w, const Statistics& s,
                  int64_t r, Scalar* sink, Scalar beta) {
  const int64_t d = z.cols();
  const Scalar mean = s.mean.data()[r], rstd = s.rstd.data()[r];
  const Scalar* g = dy.row(r);
  const Scalar *v = z.row(r), *weight = w.data();
  const ConstRowMap ga(g, d), va(v, d), wa(weight, d);
  const Scalar mean_e = (ga * wa).mean();
  const Scalar mean_ex = (ga * wa * (va - mean)).mean() * rstd;
  RowMap out(sink, d);
  if (beta == 0)
    out = rstd * (ga * wa - mean_e - (va - mean) * (rstd * mean_ex));
  else
    out += rstd * (ga * wa - mean_e - (va - mean) * (rstd * mean_ex));
}

void parameter_gradients(Backward& bw, const Tensor& z, const Tensor& w, const Tensor& b,
                         const Statistics& s) {
  const Tensor& dy = bw.dy();
  if (auto dw = bw.into(w))
    kernels::sum_rows(dy.rows(), dy.cols(), dw.data, dw.beta,
                      [&](int64_t r, int64_t c, int64_t width, Scalar* part) {
                        const Scalar mean = s.mean.data()[r], rstd = s.rstd.data()[r];
                        const Scalar *g = dy.row(r) + c, *v = z.row(r) + c;
                        for (int64_t j = 0; j < width; ++j)
                          part[j] += g[j] * ((v[j] - mean) * rstd);
                      });
  if (auto db = bw.into(b)) kernels::column_sums(dy, db.data, db.beta);
}

}  // namespace

Tensor layer_norm(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b, Scalar eps) {
  check_features("layer_norm", x, w, b);
  Tensor y = g.make(x.shape());
  const Statistics s{g.make({x.rows(), 1}), g.make({x.rows(), 1})};
  parallel_for(x.rows(), 6 * x.cols(), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) normalise_row(x, r, y, w, b, eps, s);
  });
  const Tensor xs = g.keep(x, {x, w}), ws = g.needs(x) ? w : w.ghost(), bs = b.ghost();
  const Statistics kept{g.keep(s.mean, {x, w}), g.keep(s.rstd, {x, w})};
  return g.record("layer_norm", y, {x, w, b}, [=](Backward& bw) {
    parameter_gradients(bw, xs, ws, bs, kept);
    if (auto dx = bw.into(xs))
      parallel_for(xs.rows(), 8 * xs.cols(), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r)
          backward_row(bw.dy(), xs, ws, kept, r, dx.data + r * xs.cols(), dx.beta);
      });
  });
}

Tensor add_layer_norm(Graph& g, Tensor h, const Tensor& residual, const Tensor& w, const Tensor& b,
                      Scalar eps, double p) {
  check(h.shape() == residual.shape(), "add_layer_norm", h.shape(), " and residual ",
        residual.shape(), " differ");
  check_features("add_layer_norm", h, w, b);
  const DropoutMask mask = DropoutMask::next(g, p);
  const Tensor hs = h.ghost(), rs = residual.ghost();
  const int64_t d = h.cols();
  Tensor z = g.reuse(std::move(h));
  Tensor y = g.make(z.shape());
  const Statistics s{g.make({z.rows(), 1}), g.make({z.rows(), 1})};
  // Masks come in blocks of 64 elements, so a part of the rows must begin at one: 64 / gcd(64, d)
  // rows.
  const int64_t align = DropoutMask::kAlign / std::gcd(DropoutMask::kAlign, d);
  parallel_for(
      z.rows(), 8 * d,
      [&](int64_t begin, int64_t end) {
        for (int64_t r0 = begin; r0 < end; r0 += align) {
          const int64_t rows = std::min(align, end - r0);
          if (mask) mask.apply(r0 * d, rows * d, z.row(r0), z.row(r0));
          for (int64_t r = r0; r < r0 + rows; ++r) {
            z.row_array(r) += residual.row_array(r);
            normalise_row(z, r, y, w, b, eps, s);
          }
        }
      },
      align);
  const bool through = g.needs(hs) || g.needs(residual);
  const Tensor zs = g.keep(z, {hs, residual, w}), ws = through ? w : w.ghost(), bs = b.ghost();
  const Statistics kept{g.keep(s.mean, {hs, residual, w}), g.keep(s.rstd, {hs, residual, w})};
  return g.record("add_layer_norm", y, {hs, residual, w, b}, [=](Backward& bw) {
    parameter_gradients(bw, zs, ws, bs, kept);
    if (!through) return;
    // dz goes to the residual; through the mask to h. Without a mask both are dz.
    const GradSink dh = bw.into(hs), dr = bw.into(rs);
    Tensor own;  // dz where neither sink can hold it alone
    if (!dr || dr.beta != 0) own = bw.scratch(zs.shape());
    parallel_for(
        zs.rows(), 10 * d,
        [&](int64_t begin, int64_t end) {
          for (int64_t r0 = begin; r0 < end; r0 += align) {
            const int64_t rows = std::min(align, end - r0), at = r0 * d;
            Scalar* dz = own ? own.data() + at : dr.data + at;
            for (int64_t r = r0; r < r0 + rows; ++r)
              backward_row(bw.dy(), zs, ws, kept, r, dz + (r - r0) * d, 0);
            if (dh) {  // before dr: where h is the residual itself, both sinks are one
              if (mask)
                mask.apply(at, rows * d, dz, dh.data + at, dh.beta);
              else if (dh.beta == 0)
                RowMap(dh.data + at, rows * d) = RowMap(dz, rows * d);
              else
                RowMap(dh.data + at, rows * d) += RowMap(dz, rows * d);
            }
            if (own && dr) RowMap(dr.data + at, rows * d) += RowMap(dz, rows * d);
          }
        },
        align);
  });
}

}  // namespace engine
