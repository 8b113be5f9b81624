// cross_entropy:  loss = mean over rows of  -sum_c t_c log p_c,
//   p = softmax(logits),  t = (1 - e) onehot + e / classes
//   dlogits = (p - t) / n.   Saves p, which is as large as the logits.
// mse:  loss = mean of (y - t)^2;   dy = 2 (y - t) / n.
#include "engine/ops/loss.h"

#include <cmath>

#include "engine/tensor/parallel.h"

namespace engine {

Tensor cross_entropy(Graph& g, const Tensor& logits, const double* labels, double smoothing) {
  const int64_t n = logits.rows(), classes = logits.cols();
  check(n > 0 && smoothing >= 0 && smoothing < 1, "cross_entropy", "logits ", logits.shape(),
        ", label smoothing ", smoothing, ": there must be rows, and a smoothing in [0, 1)");
  const auto e = static_cast<Scalar>(smoothing), share = e / static_cast<Scalar>(classes);
  for (int64_t r = 0; r < n; ++r) {
    const auto label = static_cast<int64_t>(labels[r]);
    check(label >= 0 && label < classes && static_cast<double>(label) == labels[r], "cross_entropy",
          "label ", labels[r], " of row ", r, " is not one of ", classes, " classes",
          hint("the model's num_labels must fit the task"));
  }
  Tensor p = g.make(logits.shape());
  double total = 0;
  for (int64_t r = 0; r < n && !DryRun::on(); ++r) {
    const auto label = static_cast<int64_t>(labels[r]);
    const auto row = logits.row_array(r);
    const Scalar most = row.maxCoeff();
    RowMap probabilities = p.row_array(r);
    probabilities = (row - most).exp();
    const Scalar sum = probabilities.sum();
    probabilities /= sum;
    const Scalar log_sum = most + std::log(sum);
    total += (1 - smoothing) * (log_sum - row[label]);
    if (smoothing > 0) total += share * (log_sum * static_cast<Scalar>(classes) - row.sum());
  }
  const Tensor loss = g.scalar(total / static_cast<double>(n));
  if (!g.needs(logits)) return g.record("cross_entropy", loss, {logits}, [](Backward&) {});
  const double* held = g.hold(std::span(labels, static_cast<size_t>(n)), true);
  const Tensor ps = g.keep(p, {logits}), input = logits.ghost();
  return g.record("cross_entropy", loss, {logits}, [=](Backward& bw) {
    const GradSink dx = bw.into(input);
    const Scalar factor = bw.scalar_dy() / static_cast<Scalar>(n);
    parallel_for(n, classes, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const GradSink row{dx.data + r * classes, dx.beta};
        row.put(factor * (ps.row_array(r) - share));
        row.data[static_cast<int64_t>(held[r])] -= factor * (1 - e);
      }
    });
  });
}

Tensor mse(Graph& g, const Tensor& predictions, const double* targets) {
  const int64_t n = predictions.rows();
  check(predictions.cols() == 1 && n > 0, "mse", "predictions have shape ", predictions.shape(),
        ", and must be (n, 1)");
  double total = 0;
  for (int64_t i = 0; i < n && !DryRun::on(); ++i) {
    const double difference = static_cast<double>(predictions.data()[i]) - targets[i];
    total += difference * difference;
  }
  const Tensor loss = g.scalar(total / static_cast<double>(n));
  if (!g.needs(predictions)) return g.record("mse", loss, {predictions}, [](Backward&) {});
  const double* held = g.hold(std::span(targets, static_cast<size_t>(n)), true);
  const Tensor ys = g.keep(predictions, {predictions});
  return g.record("mse", loss, {predictions}, [=](Backward& bw) {
    const Scalar factor = 2 * bw.scalar_dy() / static_cast<Scalar>(n);
    const Eigen::Map<const Eigen::Array<double, 1, Eigen::Dynamic>> t(held, n);
    bw.into(ys).put(factor * (ys.flat() - t.cast<Scalar>()));
  });
}

}  // namespace engine
