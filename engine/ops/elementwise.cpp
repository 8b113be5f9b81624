#include "engine/ops/elementwise.h"

#include <cstring>

#include "engine/ops/columns.h"

namespace engine {

// y = a + b;  da = db = dy.
Tensor add(Graph& g, Tensor a, const Tensor& b) {
  check(a.shape() == b.shape(), "add", a.shape(), " and ", b.shape(), " differ");
  const Tensor as = a.ghost(), bs = b.ghost();
  const Tensor other = b;  // a second owner if b is a, so that reuse copies
  Tensor y = g.reuse(std::move(a));
  parallel_for(y.size(), 3, [&](int64_t begin, int64_t end) {
    RowMap(y.data() + begin, end - begin) += RowMap(other.data() + begin, end - begin);
  });
  return g.record("add", y, {as, bs}, [=](Backward& bw) {
    if (auto db = bw.into(bs)) {
      RowMap sink(db.data, bw.dy().size());
      if (db.beta == 0)
        sink = bw.dy().flat();
      else
        sink += bw.dy().flat();
    }
    bw.give(as);
  });
}

// y = c x;  dx = c dy.
Tensor scale(Graph& g, Tensor x, Scalar c) {
  const Tensor xs = x.ghost();
  Tensor y = g.reuse(std::move(x));
  y.flat() *= c;
  return g.record("scale", y, {xs}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    RowMap sink(dx.data, bw.dy().size());
    if (dx.beta == 0)
      sink = c * bw.dy().flat();
    else
      sink += c * bw.dy().flat();
  });
}

// y = x diag(l);  dx = dy diag(l);  dl[j] = sum over rows of dy[r, j] x[r, j]. Keeps x only if l is
// trainable.
Tensor column_scale(Graph& g, const Tensor& x, const Tensor& l) {
  check(l.size() == x.cols(), "column_scale", "scale ", l.shape(), " does not fit input ",
        x.shape());
  Tensor y = g.make(x.shape());
  parallel_for(x.rows(), 2 * x.cols(), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) y.row_array(r) = x.row_array(r) * l.flat();
  });
  const Tensor xs = g.keep(x, g.needs(l)), ls = g.needs(x) ? l : l.ghost();
  return g.record("column_scale", y, {x, l}, [=](Backward& bw) {
    const Tensor& dy = bw.dy();
    if (auto dl = bw.into(ls)) {
      const int64_t cols = dy.cols();
      kernels::sum_rows(dy.rows(), cols, dl.data, dl.beta,
                        [&](int64_t r, int64_t c, int64_t width, Scalar* part) {
                          const Scalar *d = dy.row(r) + c, *v = xs.row(r) + c;
                          for (int64_t j = 0; j < width; ++j) part[j] += d[j] * v[j];
                        });
    }
    if (auto dx = bw.into(xs))
      parallel_for(dy.rows(), 2 * dy.cols(), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          RowMap sink(dx.data + r * dy.cols(), dy.cols());
          if (dx.beta == 0)
            sink = dy.row_array(r) * ls.flat();
          else
            sink += dy.row_array(r) * ls.flat();
        }
      });
  });
}

// y[i] = x[rows[i]];  dx = 0 but for dx[rows[i]] += dy[i].
Tensor select_rows(Graph& g, const Tensor& x, const std::vector<int32_t>& rows) {
  const auto n = static_cast<int64_t>(rows.size());
  Tensor y = g.make({n, x.cols()});
  for (int64_t i = 0; i < n; ++i) {
    const int32_t r = rows[static_cast<size_t>(i)];
    check(r >= 0 && r < x.rows(), "select_rows", "row ", r, " of a tensor of shape ", x.shape());
    std::memcpy(y.row(i), x.row(r), static_cast<size_t>(x.cols()) * sizeof(Scalar));
  }
  const Tensor xs = x.ghost();
  if (!g.needs(x)) return g.record("select_rows", y, {xs}, [](Backward&) {});
  // The row numbers go into a tensor of the pool, not into a vector: a warm step takes nothing from
  // the heap.
  Tensor index = g.make(
      {1, (n * static_cast<int64_t>(sizeof(int32_t)) + static_cast<int64_t>(sizeof(Scalar)) - 1) /
              static_cast<int64_t>(sizeof(Scalar))});
  std::memcpy(index.data(), rows.data(), rows.size() * sizeof(int32_t));
  const Tensor kept = g.keep(index, true);
  return g.record("select_rows", y, {xs}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    const int64_t cols = xs.cols();
    if (dx.beta == 0) std::memset(dx.data, 0, static_cast<size_t>(xs.size()) * sizeof(Scalar));
    const auto* at = reinterpret_cast<const int32_t*>(kept.data());
    for (int64_t i = 0; i < n; ++i) RowMap(dx.data + at[i] * cols, cols) += bw.dy().row_array(i);
  });
}

// y = x[:, begin : begin + count];  dx = dy there, 0 elsewhere.
Tensor select_columns(Graph& g, const Tensor& x, int64_t begin, int64_t count) {
  check(begin >= 0 && count > 0 && begin + count <= x.cols(), "select_columns", "columns ", begin,
        " to ", begin + count, " of a tensor of shape ", x.shape());
  Tensor y = g.make({x.rows(), count});
  y.mat() = x.mat().middleCols(begin, count);
  const Tensor xs = x.ghost();
  return g.record("select_columns", y, {xs}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    MatrixMap sink(dx.data, xs.rows(), xs.cols());
    if (dx.beta == 0) sink.setZero();
    sink.middleCols(begin, count) += bw.dy().mat();
  });
}

}  // namespace engine
