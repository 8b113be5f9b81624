// vocabulary_loss:  u = x W^T + b;  loss = mean over rows of  log sum_c exp(u_c) - u_label
//   du = (softmax(u) - onehot) / n;   dx = du W,   dW = du^T x,   db = column sums of du
// Forward turns u into du in its own storage, so one (n, classes) tensor exists, kept for backward.
// Its twin in tests is linear() and cross_entropy(), which need three and run their loops over the
// classes on one thread.
//
// binary_loss:  dx = (sigmoid(x) - t) / n.
#include "models/vocabulary_loss.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/columns.h"

namespace models {

using engine::Backward;
using engine::check;
using engine::Graph;
using engine::RowMap;
using engine::Scalar;
using engine::Tensor;
using engine::Work;

Tensor vocabulary_loss(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b,
                       const std::vector<int32_t>& labels, int64_t* correct,
                       const std::function<void(const Tensor&)>& look) {
  const int64_t n = x.rows(), classes = w.rows();
  check(n > 0 && x.cols() == w.cols(), "vocabulary_loss", "input ", x.shape(),
        " does not fit weight ", w.shape());
  check(!b || b.size() == classes, "vocabulary_loss", "bias ", b.shape(), " does not fit weight ",
        w.shape());
  check(static_cast<int64_t>(labels.size()) == n, "vocabulary_loss", labels.size(), " labels for ",
        n, " rows");
  for (const int32_t label : labels)
    check(label >= 0 && label < classes, "vocabulary_loss", "label ", label, " is not one of ",
          classes, " classes");
  const bool any = g.needs(x) || g.needs(w) || g.needs(b);
  const Tensor u = g.make({n, classes});  // (n, classes)
  engine::gemm(false, true, x, w, 0, u.data());
  if (look) {
    if (b)
      engine::parallel_for(n, classes, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) u.row_array(r) += b.flat();
      });
    look(u);
  }
  const Tensor losses = g.make({n, 1}), hits = g.make({n, 1});
  const Scalar share = Scalar(1) / static_cast<Scalar>(n);
  engine::parallel_for(n, 8 * classes, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t label = labels[static_cast<size_t>(r)];
      RowMap row = u.row_array(r);
      if (b && !look) row += b.flat();
      const Scalar most = row.maxCoeff(), mine = row[label];
      row = (row - most).exp();
      const Scalar sum = row.sum();
      losses.data()[r] = most + std::log(sum) - mine;
      hits.data()[r] = mine >= most;
      if (!any) continue;
      row *= share / sum;
      row[label] -= share;
    }
  });
  double total = 0;
  int64_t right = 0;
  for (int64_t r = 0; r < n && !engine::DryRun::on(); ++r) {
    total += static_cast<double>(losses.data()[r]);
    right += hits.data()[r] > 0;
  }
  if (correct) *correct = right;
  const Tensor loss = g.scalar(total / static_cast<double>(n));
  const Tensor du = g.keep(u, any), xs = g.keep(x, g.needs(w)), ws = g.needs(x) ? w : w.ghost(),
               bs = b.ghost();
  return g.record("vocabulary_loss", loss, {x, w, b}, [=](Backward& bw) {
    const Scalar s = bw.scalar_dy();  // du is for a gradient of 1; gemm scales for free
    if (auto dx = bw.into(xs))
      engine::gemm(false, false, du, ws, dx.beta, dx.data, Work::input_gradient, s);
    if (auto dw = bw.into(ws))
      engine::gemm(true, false, du, xs, dw.beta, dw.data, Work::weight_gradient, s);
    if (auto db = bw.into(bs)) {
      const Tensor sums = bw.scratch(bs.shape());
      engine::kernels::column_sums(du, sums.data(), 0);
      db.put(s * sums.flat());
    }
  });
}

Tensor binary_loss(Graph& g, const Tensor& x, const std::vector<uint8_t>& targets,
                   int64_t* correct) {
  const int64_t n = x.rows();
  check(n > 0 && x.cols() == 1, "binary_loss", "predictions have shape ", x.shape(),
        ", and must be (n, 1)");
  check(static_cast<int64_t>(targets.size()) == n, "binary_loss", targets.size(), " targets for ",
        n, " rows");
  const Tensor dx = g.make(x.shape());
  double total = 0;
  int64_t right = 0;
  for (int64_t r = 0; r < n && !engine::DryRun::on(); ++r) {
    const Scalar v = x.data()[r], t = targets[static_cast<size_t>(r)] ? Scalar(1) : Scalar(0);
    total +=
        static_cast<double>(std::max(v, Scalar(0)) - t * v + std::log1p(std::exp(-std::abs(v))));
    dx.data()[r] = (Scalar(1) / (Scalar(1) + std::exp(-v)) - t) / static_cast<Scalar>(n);
    right += (v > 0) == (t > 0);
  }
  if (correct) *correct = right;
  const Tensor loss = g.scalar(total / static_cast<double>(n));
  const Tensor kept = g.keep(dx, g.needs(x)), xs = x.ghost();
  return g.record("binary_loss", loss, {x},
                  [=](Backward& bw) { bw.into(xs).put(bw.scalar_dy() * kept.flat()); });
}

}  // namespace models
