// weighted_cross_entropy, as torch.nn.CrossEntropyLoss(weight=w, label_smoothing=e):
//   loss = sum_r [ (1 - e) w[y_r] (-log p_r[y_r]) + e/C sum_c w[c] (-log p_r[c]) ] / N,  N = sum_r
//   w[y_r] dlogits[r, c] = (p[r, c] W_r - (1 - e) w[y_r] 1(c = y_r) - e/C w[c]) / N, W_r = (1 - e)
//   w[y_r] + e/C sum_c w[c].   Saves dlogits, which is as large as the logits.
#include <cmath>
#include <vector>

#include "engine/ops/loss.h"
#include "engine/tensor/parallel.h"

namespace engine {

Tensor weighted_cross_entropy(Graph& g, const Tensor& logits, const double* labels,
                              const std::vector<double>& weights, double smoothing) {
  const int64_t n = logits.rows(), classes = logits.cols();
  check(n > 0 && smoothing >= 0 && smoothing < 1, "weighted_cross_entropy", "logits ",
        logits.shape(), ", label smoothing ", smoothing,
        ": there must be rows, and a smoothing in [0, 1)");
  check(static_cast<int64_t>(weights.size()) == classes, "weighted_cross_entropy", weights.size(),
        " weights for ", classes, " classes");
  double all = 0, total = 0;
  for (const double w : weights) all += w;
  double norm = 0;
  for (int64_t r = 0; r < n; ++r) {
    const auto label = static_cast<int64_t>(labels[r]);
    check(label >= 0 && label < classes && static_cast<double>(label) == labels[r],
          "weighted_cross_entropy", "label ", labels[r], " of row ", r, " is not one of ", classes,
          " classes", hint("the model's num_labels must fit the task"));
    norm += weights[static_cast<size_t>(label)];
  }
  check(norm > 0, "weighted_cross_entropy", "the labels' weights sum to ", norm);
  const double share = smoothing / static_cast<double>(classes);
  Tensor slope = g.make(logits.shape());
  for (int64_t r = 0; r < n && !DryRun::on(); ++r) {
    const auto label = static_cast<int64_t>(labels[r]);
    const auto row = logits.row_array(r);
    RowMap d = slope.row_array(r);
    const Scalar most = row.maxCoeff();
    d = (row - most).exp();
    const Scalar sum = d.sum();
    const double log_sum = static_cast<double>(most + std::log(sum));
    const double own = (1 - smoothing) * weights[static_cast<size_t>(label)];
    d *= static_cast<Scalar>((own + share * all) / norm) / sum;
    d[label] -= static_cast<Scalar>(own / norm);
    total += own * (log_sum - static_cast<double>(row[label]));
    if (smoothing == 0) continue;
    for (int64_t c = 0; c < classes; ++c) {
      const double w = share * weights[static_cast<size_t>(c)];
      d[c] -= static_cast<Scalar>(w / norm);
      total += w * (log_sum - static_cast<double>(row[c]));
    }
  }
  const Tensor loss = g.scalar(total / norm);
  const Tensor kept = g.keep(slope, {logits}), input = logits.ghost();
  return g.record("weighted_cross_entropy", loss, {logits}, [=](Backward& bw) {
    const GradSink dx = bw.into(input);
    const Scalar s = bw.scalar_dy();
    parallel_for(kept.size(), 1, [&](int64_t begin, int64_t end) {
      GradSink{dx.data + begin, dx.beta}.put(s * kept.flat().segment(begin, end - begin));
    });
  });
}

}  // namespace engine
