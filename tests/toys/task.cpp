// One class against the rest: a kind of task in one file.
#include "tasks/task.h"

#include <cmath>

#include "engine/ops/loss.h"
#include "engine/train/metrics.h"
#include "tests/toys/toys.h"

namespace {

// A yes or no for each class, of which exactly one is right.
class OneVsRest final : public tasks::Task {
 public:
  using Task::Task;

  engine::Tensor loss(engine::Graph& g, const engine::Tensor& outputs,
                      const engine::TokenBatch& batch) const override {
    std::vector<double> targets(static_cast<size_t>(outputs.size()), 0);
    for (size_t i = 0; i < batch.labels.size(); ++i)
      targets[i * static_cast<size_t>(outputs.cols()) + static_cast<size_t>(batch.labels[i])] = 1;
    return engine::binary_cross_entropy(g, outputs, targets.data());
  }
  void predict(const engine::Tensor& outputs, const engine::TokenBatch& batch,
               tasks::Predictions& to) const override {
    for (int64_t i = 0; i < outputs.rows(); ++i) {
      const auto at = static_cast<size_t>(batch.examples[static_cast<size_t>(i)]);
      Eigen::Index best = 0;
      outputs.row_array(i).maxCoeff(&best);
      to.predicted[at] = static_cast<double>(best);
      for (int64_t c = 0; c < outputs.cols(); ++c)
        to.outputs[at * static_cast<size_t>(outputs.cols()) + static_cast<size_t>(c)] =
            1 / (1 + std::exp(-static_cast<double>(outputs.row(i)[c])));
    }
  }
  engine::Json score(const tasks::Predictions& p, const data::EncodedSplit& split) const override {
    const double right = engine::accuracy(p.predicted, split.labels());
    return {{"accuracy", right}, {"score", right}, {"loss", p.loss}, {"examples", split.size()}};
  }
  std::string answer(const tasks::Predictions& p, int64_t example) const override {
    return info_.label_name(static_cast<int64_t>(p.predicted[static_cast<size_t>(example)]));
  }
  std::string label(const data::EncodedSplit& split, int64_t example) const override {
    return info_.label_name(static_cast<int64_t>(split.labels()[static_cast<size_t>(example)]));
  }
  std::vector<std::string> output_names() const override { return info_.labels; }
};

}  // namespace

std::string toys::task() {
  tasks::add_kind({"one_vs_rest", [](const data::TaskInfo& info, const tasks::Options& options) {
                     return std::unique_ptr<tasks::Task>(
                         std::make_unique<OneVsRest>(info, options));
                   }});
  return "one_vs_rest";
}
