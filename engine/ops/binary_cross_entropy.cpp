// binary_cross_entropy, as torch.nn.BCEWithLogitsLoss: over all elements of x (n, m)
//   loss = mean of  max(x, 0) - t x + log(1 + exp(-|x|));   dx = (sigmoid(x) - t) / (n m), which is
//   saved.
#include <cmath>

#include "engine/ops/loss.h"
#include "engine/tensor/parallel.h"

namespace engine {

Tensor binary_cross_entropy(Graph& g, const Tensor& logits, const double* targets) {
  const int64_t n = logits.size();
  check(n > 0, "binary_cross_entropy", "logits have shape ", logits.shape());
  Tensor slope = g.make(logits.shape());
  double total = 0;
  for (int64_t i = 0; i < n && !DryRun::on(); ++i) {
    const Scalar x = logits.data()[i], t = static_cast<Scalar>(targets[i]);
    total +=
        static_cast<double>(std::max(x, Scalar(0)) - t * x + std::log1p(std::exp(-std::abs(x))));
    slope.data()[i] = (Scalar(1) / (Scalar(1) + std::exp(-x)) - t) / static_cast<Scalar>(n);
  }
  const Tensor loss = g.scalar(total / static_cast<double>(n));
  const Tensor kept = g.keep(slope, {logits}), input = logits.ghost();
  return g.record("binary_cross_entropy", loss, {logits}, [=](Backward& bw) {
    const GradSink dx = bw.into(input);
    const Scalar s = bw.scalar_dy();
    parallel_for(kept.size(), 1, [&](int64_t begin, int64_t end) {
      GradSink{dx.data + begin, dx.beta}.put(s * kept.flat().segment(begin, end - begin));
    });
  });
}

}  // namespace engine
