// u = x W^T + b;  loss = mean over terms of  -sum_c t_c log p_c,  p = softmax(u),
//   t = (1 - e) onehot(label) + e / classes
//   du = (p - t) / terms;   dx = du W,   dW = du^T x,   db = column sums of du
//   and of an update c v^T in u:   dc = du v,   dv = du^T c
//
// A block of rows is turned from u into du in place, and forward makes its rows of dx at once: with
// frozen W the logits are made once and never again. For a trainable W or b, du is saved if all
// rows are one block; else backward makes each block again from x and the saved log-sum-exp of each
// row, at the cost of one product more. Saves: dx; for W and b also du, or x and one number a row.
#include "engine/ops/vocabulary_loss.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "engine/ops/columns.h"
#include "engine/ops/weight_product.h"

namespace engine {
namespace {

// Everything but x, of which it sees a block of rows at a time.
struct Vocabulary {
  kernels::Weight w;
  Tensor b;
  LowRank update;  // empty tensors without one
  const int32_t* labels;
  int64_t classes, width;
  Scalar smoothing, share;  // share: 1 / terms

  static MatrixRef of(const Tensor& t, int64_t first, int64_t rows) {
    return {t.row(first), rows, t.cols(), t.cols()};
  }
  // u (rows, classes) = x W^T for rows first, first + 1, ... of x.
  void logits(const Tensor& x, int64_t first, const Tensor& u, Work work) const {
    const MatrixRef rows(x.row(first), u.rows(), width, width);
    w.forward(rows, 0, u.data(), work);
    if (update.v) gemm(false, true, of(update.u, first, u.rows()), update.v, 1, u.data(), work);
    if (!b) return;
    parallel_for(u.rows(), classes, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) u.row_array(r) += b.flat();
    });
  }
  // u becomes du, given exp(u - shift) and its sum.
  void gradient(RowMap row, int64_t label, Scalar sum) const {
    if (label < 0) {
      row.setZero();
      return;
    }
    row = share / sum * row - share * smoothing / static_cast<Scalar>(classes);
    row[label] -= share * (1 - smoothing);
  }
};

// dW = s du^T x + beta dW of BF16 values.
void narrow_weight_gradient(Backward& bw, const Tensor& u, const MatrixRef& x, Scalar s,
                            const GradSink& dw) {
  const auto make = [&](Shape shape) { return bw.scratch(shape); };
  Tensor scaled = bw.scratch({x.rows, x.cols});
  parallel_for(x.rows, x.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      scaled.row_array(r) = s * ConstRowMap(x.data + r * x.stride, x.cols);
  });
  const kernels::Narrowed du(u, make), right(scaled, make);
  half_gemm(true, false, du.rows(0, u.rows()), right.rows(0, x.rows), dw.beta, dw.data,
            Work::weight_gradient);
}

struct RowResults {
  Tensor loss, nll, hit, lse;  // (n, 1) each
};

void loss_rows(const Vocabulary& v, const Tensor& u, int64_t first, const RowResults& out,
               bool with_gradient) {
  parallel_for(u.rows(), 8 * v.classes, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t label = v.labels[first + r];
      RowMap row = u.row_array(r);
      const Scalar most = row.maxCoeff(), mine = label < 0 ? most : row[label];
      const Scalar mean = v.smoothing > 0 ? row.mean() : Scalar(0);
      row = (row - most).exp();
      const Scalar sum = row.sum(), lse = most + std::log(sum), nll = lse - mine;
      out.nll.data()[first + r] = label < 0 ? 0 : nll;
      out.loss.data()[first + r] =
          label < 0 ? 0 : (1 - v.smoothing) * nll + v.smoothing * (lse - mean);
      out.hit.data()[first + r] = label >= 0 && mine >= most;
      out.lse.data()[first + r] = lse;
      if (with_gradient) v.gradient(row, label, sum);
    }
  });
}

void check_inputs(const Tensor& x, const Tensor& w, const Tensor& b, const LowRank& c,
                  const std::vector<int32_t>& labels, const VocabularyLossOptions& o) {
  check(x.rows() > 0 && x.cols() == w.cols(), "vocabulary_loss", "input ", x.shape(),
        " does not fit weight ", w.shape());
  check(!b || b.size() == w.rows(), "vocabulary_loss", "bias ", b.shape(), " does not fit weight ",
        w.shape());
  check(!c.v || (c.u.rows() == x.rows() && c.v.rows() == w.rows() && c.u.cols() == c.v.cols()),
        "vocabulary_loss", "an update ", c.u.shape(), " by ", c.v.shape(), " does not fit input ",
        x.shape(), " and weight ", w.shape());
  check(static_cast<int64_t>(labels.size()) == x.rows(), "vocabulary_loss", labels.size(),
        " labels for ", x.rows(), " rows");
  check(o.smoothing >= 0 && o.smoothing < 1, "vocabulary_loss", "label smoothing ", o.smoothing,
        " is not in [0, 1)");
  for (const int32_t label : labels)
    check(label >= -1 && label < w.rows(), "vocabulary_loss", "label ", label, " is not one of ",
          w.rows(), " classes", hint("-1 marks a row without a term"));
}

}  // namespace

Tensor vocabulary_loss(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b,
                       const std::vector<int32_t>& labels, const VocabularyLossOptions& o) {
  return vocabulary_loss(g, x, w, b, LowRank{}, labels, o);
}

Tensor vocabulary_loss(Graph& g, const Tensor& x, const Tensor& w, const Tensor& b,
                       const LowRank& update, const std::vector<int32_t>& labels,
                       const VocabularyLossOptions& o) {
  check_inputs(x, w, b, update, labels, o);
  const int64_t n = x.rows(), classes = w.rows();
  const int64_t terms =
      std::count_if(labels.begin(), labels.end(), [](int32_t l) { return l >= 0; });
  const LowRank& c = update;
  const bool weights = g.needs(w) || g.needs(b) || g.needs(c.v),
             any = weights || g.needs(x) || g.needs(c.u);
  const int64_t block = std::clamp<int64_t>(o.block / classes, 1, n);
  const Vocabulary v{kernels::Weight(g, w),
                     b,
                     update,
                     labels.data(),
                     classes,
                     x.cols(),
                     static_cast<Scalar>(o.smoothing),
                     Scalar(1) / static_cast<Scalar>(std::max<int64_t>(1, terms))};

  const Tensor dx = g.needs(x) ? g.make(x.shape()) : Tensor(),
               dc = g.needs(c.u) ? g.make(c.u.shape()) : Tensor();
  const RowResults rows{g.make({n, 1}), g.make({n, 1}), g.make({n, 1}), g.make({n, 1})};
  Tensor du;  // of a single block
  {
    const Tensor memory = g.make({block, classes});
    for (int64_t first = 0; first < n; first += block) {
      const Tensor u = memory.top_rows(std::min(block, n - first));
      v.logits(x, first, u, Work::forward);
      if (o.look) o.look(u, first);
      loss_rows(v, u, first, rows, any);
      if (dx) v.w.input_gradient(u, 0, dx.row(first));
      if (dc) gemm(false, false, u, c.v, 0, dc.row(first), Work::input_gradient);
    }
    if (weights && block == n) du = memory;
  }
  double total = 0;
  int64_t correct = 0;
  for (int64_t r = 0; r < n && !DryRun::on(); ++r) {
    total += static_cast<double>(rows.loss.data()[r]);
    correct += rows.hit.data()[r] > 0;
    if (o.nll) o.nll[r] = static_cast<double>(rows.nll.data()[r]);
  }
  if (o.correct) *o.correct = correct;
  const Tensor loss = g.scalar(total / static_cast<double>(std::max<int64_t>(1, terms)));

  Vocabulary saved = v;
  saved.labels = g.hold(std::span(labels), weights);
  const bool again = weights && block < n;
  if (!weights) saved.w = saved.w.ghost();
  saved.update.u = g.keep(c.u, c.v && (again || g.needs(c.v)));
  if (!weights) saved.update.v = c.v.ghost();
  const Tensor dxs = g.keep(dx, {x}), dcs = g.keep(dc, {c.u}), dus = g.keep(du, weights && !again),
               xs = g.keep(x, again || g.needs(w)), lse = g.keep(rows.lse, again);
  return g.record("vocabulary_loss", loss, {x, w, b, c.u, c.v}, [=](Backward& bw) {
    const Scalar s = bw.scalar_dy();  // du, dx and dc are for a gradient of 1
    if (const GradSink sink = bw.into(xs)) sink.put(s * dxs.flat());
    if (const GradSink sink = bw.into(saved.update.u)) sink.put(s * dcs.flat());
    GradSink dw = bw.into(saved.w.tensor()), db = bw.into(saved.b), dv = bw.into(saved.update.v);
    if (!dw && !db && !dv) return;
    const Tensor memory = again ? bw.scratch({block, classes}) : dus;
    const Tensor sums = db ? bw.scratch(saved.b.shape()) : Tensor();
    for (int64_t first = 0; first < n; first += block) {
      const Tensor u = memory.top_rows(std::min(block, n - first));
      if (again) {
        saved.logits(xs, first, u, Work::recomputed);
        parallel_for(u.rows(), 4 * classes, [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            RowMap row = u.row_array(r);
            row = (row - lse.data()[first + r]).exp();
            saved.gradient(row, saved.labels[first + r], 1);
          }
        });
      }
      if (dw) {
        const MatrixRef part(xs.row(first), u.rows(), saved.width, saved.width);
        if (saved.w.narrows())
          narrow_weight_gradient(bw, u, part, s, dw);
        else
          gemm(true, false, u, part, dw.beta, dw.data, Work::weight_gradient, s);
      }
      if (dv)
        gemm(true, false, u, Vocabulary::of(saved.update.u, first, u.rows()), dv.beta, dv.data,
             Work::weight_gradient, s);
      if (db) {
        kernels::column_sums(u, sums.data(), 0);
        db.put(s * sums.flat());
      }
      dw.beta = db.beta = dv.beta = 1;
    }
  });
}

}  // namespace engine
