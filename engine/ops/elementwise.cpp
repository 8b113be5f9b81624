#include "engine/ops/elementwise.h"

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
    if (auto db = bw.into(bs)) db.put(bw.dy().flat());
    bw.give(as);
  });
}

// y = c x;  dx = c dy.
Tensor scale(Graph& g, Tensor x, Scalar c) {
  const Tensor xs = x.ghost();
  Tensor y = g.reuse(std::move(x));
  parallel_for(y.size(), 1,
               [&](int64_t begin, int64_t end) { RowMap(y.data() + begin, end - begin) *= c; });
  return g.record("scale", y, {xs}, [=](Backward& bw) { bw.into(xs).put(c * bw.dy().flat()); });
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
  const Tensor xs = g.keep(x, {l}), ls = g.needs(x) ? l : l.ghost();
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
        for (int64_t r = begin; r < end; ++r)
          GradSink{dx.data + r * dy.cols(), dx.beta}.put(dy.row_array(r) * ls.flat());
      });
  });
}

// y[s] = sum over rows i of sequence s of x[i] / n_s;  dx[i] = dy[s] / n_s. Saves nothing.
Tensor mean_rows(Graph& g, const Tensor& x, const Segments& segments) {
  check(segments.rows() == x.rows(), "mean_rows", "segments of ", segments.rows(),
        " rows for input ", x.shape());
  const int64_t sequences = segments.count(), d = x.cols();
  Tensor y = g.make({sequences, d});
  const Tensor xs = x.ghost();
  parallel_for(sequences, d * (segments.longest() + 1), [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      RowMap row = y.row_array(s);
      row.setZero();
      const int at = static_cast<int>(s);
      for (int32_t i = 0; i < segments.length(at); ++i) row += x.row_array(segments.begin(at) + i);
      row *= Scalar(1) / static_cast<Scalar>(segments.length(at));
    }
  });
  const int32_t* starts = g.hold(std::span(segments.starts), g.needs(x));
  return g.record("mean_rows", y, {x}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    parallel_for(sequences, d * 8, [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        const Scalar share = Scalar(1) / static_cast<Scalar>(starts[s + 1] - starts[s]);
        for (int32_t i = starts[s]; i < starts[s + 1]; ++i)
          GradSink{dx.data + i * d, dx.beta}.put(share * bw.dy().row_array(s));
      }
    });
  });
}

// y[i] = x[rows[i]];  dx = 0 but for dx[rows[i]] += dy[i].
Tensor select_rows(Graph& g, const Tensor& x, const std::vector<int32_t>& rows) {
  const auto n = static_cast<int64_t>(rows.size());
  Tensor y = g.make({n, x.cols()});
  for (const int32_t r : rows)
    check(r >= 0 && r < x.rows(), "select_rows", "row ", r, " of a tensor of shape ", x.shape());
  parallel_for(n, x.cols(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      y.row_array(i) = x.row_array(rows[static_cast<size_t>(i)]);
  });
  const Tensor xs = x.ghost();
  if (!g.needs(x)) return g.record("select_rows", y, {xs}, [](Backward&) {});
  const int32_t* at = g.hold(std::span(rows), true);
  return g.record("select_rows", y, {xs}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    const int64_t cols = xs.cols();
    // Threads share columns, never rows: rows may repeat.
    parallel_for(
        cols, xs.rows(),
        [&](int64_t begin, int64_t end) {
          const int64_t width = end - begin;
          if (dx.beta == 0) MatrixMap(dx.data, xs.rows(), cols).middleCols(begin, width).setZero();
          for (int64_t i = 0; i < n; ++i)
            RowMap(dx.data + at[i] * cols + begin, width) += RowMap(bw.dy().row(i) + begin, width);
        },
        16);
  });
}

// y = x[:, begin : begin + count];  dx = dy there, 0 elsewhere.
Tensor select_columns(Graph& g, const Tensor& x, int64_t begin, int64_t count) {
  check(begin >= 0 && count > 0 && begin + count <= x.cols(), "select_columns", "columns ", begin,
        " to ", begin + count, " of a tensor of shape ", x.shape());
  Tensor y = g.make({x.rows(), count});
  parallel_for(x.rows(), count, [&](int64_t first, int64_t last) {
    y.mat().middleRows(first, last - first) = x.mat().block(first, begin, last - first, count);
  });
  const Tensor xs = x.ghost();
  return g.record("select_columns", y, {xs}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    parallel_for(xs.rows(), xs.cols(), [&](int64_t first, int64_t last) {
      auto sink = MatrixMap(dx.data, xs.rows(), xs.cols()).middleRows(first, last - first);
      if (dx.beta == 0) sink.setZero();
      sink.middleCols(begin, count) += bw.dy().mat().middleRows(first, last - first);
    });
  });
}

}  // namespace engine
