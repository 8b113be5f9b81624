// Classification: one of several classes for an example.
//   loss = mean of -log softmax(logits)[label], weighed by class with `balanced`
#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/loss.h"
#include "tasks/report.h"
#include "tasks/task.h"

namespace tasks {
namespace {

using engine::Graph;
using engine::Json;
using engine::Tensor;
using engine::TokenBatch;

class Classify final : public Task {
 public:
  using Task::Task;

  void fit(const data::EncodedSplit& train) override {
    if (!options_.balanced) return;
    std::vector<double> counts(info_.labels.size(), 0);
    for (const double label : train.labels()) ++counts[static_cast<size_t>(label)];
    const auto n = static_cast<double>(train.size()), classes = static_cast<double>(counts.size());
    weights_.clear();
    for (const double count : counts) weights_.push_back(count > 0 ? n / (classes * count) : 1);
  }
  Json fitted() const override {
    return weights_.empty() ? Json::object() : Json{{"class_weights", weights_}};
  }

  double terms(const TokenBatch& batch) const override {
    if (weights_.empty()) return batch.sequences();
    double sum = 0;
    for (const double label : batch.labels) sum += weights_[static_cast<size_t>(label)];
    return sum;
  }
  Tensor loss(Graph& g, const Tensor& outputs, const TokenBatch& batch) const override {
    check_labels(outputs, batch);
    if (!weights_.empty())
      return engine::weighted_cross_entropy(g, outputs, batch.labels.data(), weights_,
                                            options_.label_smoothing);
    return engine::cross_entropy(g, outputs, batch.labels.data(), options_.label_smoothing);
  }
  Tensor plain_loss(Graph& g, const Tensor& outputs, const TokenBatch& batch) const override {
    check_labels(outputs, batch);
    return engine::cross_entropy(g, outputs, batch.labels.data());
  }

  void predict(const Tensor& logits, const TokenBatch& batch, Predictions& to) const override {
    const int64_t classes = logits.cols();
    for (int64_t i = 0; i < logits.rows(); ++i) {
      const auto row = logits.row_array(i);
      const auto at = static_cast<size_t>(batch.examples[static_cast<size_t>(i)]);
      double* out = to.outputs.data() + at * static_cast<size_t>(classes);
      Eigen::Index best = 0;
      row.maxCoeff(&best);
      to.predicted[at] = static_cast<double>(best);
      double sum = 0;
      for (int64_t c = 0; c < classes; ++c)
        sum += out[c] = std::exp(static_cast<double>(row[c] - row[best]));
      for (int64_t c = 0; c < classes; ++c) out[c] /= sum;
    }
  }
  Json score(const Predictions& p, const data::EncodedSplit& split) const override {
    Json json = named_metrics(info_, p, split);
    json["report"] = class_report(p.predicted, split.labels(), info_.labels);
    return json;
  }
  std::string answer(const Predictions& p, int64_t example) const override {
    return info_.label_name(static_cast<int64_t>(p.predicted[static_cast<size_t>(example)]));
  }
  std::vector<std::string> output_names() const override { return info_.labels; }
  std::string label(const data::EncodedSplit& split, int64_t example) const override {
    return info_.label_name(static_cast<int64_t>(split.labels()[static_cast<size_t>(example)]));
  }

 private:
  static void check_labels(const Tensor& outputs, const TokenBatch& batch) {
    engine::check(batch.labels.size() == static_cast<size_t>(outputs.rows()), "loss",
                  "the batch has ", batch.labels.size(), " labels for ", outputs.rows(),
                  " sequences");
  }

  std::vector<double> weights_;  // by class; empty: all 1
};

}  // namespace

Kind classify_kind() {
  return {"classify", [](const data::TaskInfo& info, const Options& options) {
            return std::unique_ptr<Task>(std::make_unique<Classify>(info, options));
          }};
}

}  // namespace tasks
