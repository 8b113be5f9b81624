// Regression: a number for an example.
//   loss = mean of (output - z)^2,  z = (y - mean) / deviation with `standardise`, else y
// A head without a bias (decoders) cannot hold a mean: there z = y / root mean square.
// The prediction is deviation * output + mean. fold() puts that into the last layer of the head:
//   W <- deviation W,  b <- deviation b + mean
#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/loss.h"
#include "tasks/report.h"
#include "tasks/task.h"

namespace tasks {
namespace {

using engine::Graph;
using engine::Json;
using engine::Scalar;
using engine::Tensor;
using engine::TokenBatch;

class Regress final : public Task {
 public:
  using Task::Task;

  void fit(const data::EncodedSplit& train) override {
    mean_ = 0;
    deviation_ = 1;
    if (!options_.standardise || train.labels().empty()) return;
    const auto n = static_cast<double>(train.labels().size());
    for (const double y : train.labels()) mean_ += y / n;
    double variance = 0;
    for (const double y : train.labels()) variance += (y - mean_) * (y - mean_) / n;
    if (variance > 0) deviation_ = std::sqrt(variance);
    square_ = variance + mean_ * mean_;
  }
  void attach(Model& model) override {
    if (mean_ == 0 || model.output_layer().has_bias) return;
    mean_ = 0;
    deviation_ = std::sqrt(square_);
  }
  Json fitted() const override {
    if (!options_.standardise) return Json::object();
    return {{"target_mean", mean_}, {"target_deviation", deviation_}};
  }

  Tensor loss(Graph& g, const Tensor& outputs, const TokenBatch& batch) const override {
    engine::check(batch.labels.size() == static_cast<size_t>(outputs.rows()), "loss",
                  "the batch has ", batch.labels.size(), " labels for ", outputs.rows(),
                  " sequences");
    std::vector<double> targets;
    targets.reserve(batch.labels.size());
    for (const double y : batch.labels) targets.push_back((y - mean_) / deviation_);
    return engine::mse(g, outputs, targets.data());
  }
  double loss_unit() const override { return deviation_ * deviation_; }

  void predict(const Tensor& outputs, const TokenBatch& batch, Predictions& to) const override {
    for (int64_t i = 0; i < outputs.rows(); ++i) {
      const auto at = static_cast<size_t>(batch.examples[static_cast<size_t>(i)]);
      to.predicted[at] = to.outputs[at] =
          deviation_ * static_cast<double>(outputs.data()[i]) + mean_;
    }
  }
  Json score(const Predictions& p, const data::EncodedSplit& split) const override {
    Json json = named_metrics(info_, p, split);
    json["report"] = number_report(p.predicted, split.labels());
    return json;
  }
  std::string answer(const Predictions& p, int64_t example) const override {
    return engine::concat(p.predicted[static_cast<size_t>(example)]);
  }
  Json answer_json(const Predictions& p, int64_t example) const override {
    return p.predicted[static_cast<size_t>(example)];
  }
  std::string label(const data::EncodedSplit& split, int64_t example) const override {
    return engine::concat(split.labels()[static_cast<size_t>(example)]);
  }

  void fold(Model& model) override {
    scale_head(model, deviation_, mean_);
    mean_ = 0;
    deviation_ = 1;
  }
  void unfold(Model& model) override { scale_head(model, 1 / deviation_, -mean_ / deviation_); }

 private:
  static void scale_head(Model& model, double factor, double shift) {
    if (factor == 1 && shift == 0) return;
    engine::Linear& out = model.output_layer();
    engine::Parameter &w = out.weight, &b = out.bias;
    for (int64_t i = 0; i < w.count(); ++i)
      w.value[i] = static_cast<Scalar>(factor * static_cast<double>(w.value[i]));
    for (int64_t i = 0; i < b.count(); ++i)
      b.value[i] = static_cast<Scalar>(factor * static_cast<double>(b.value[i]) + shift);
  }

  double mean_ = 0, deviation_ = 1;
  double square_ = 0;  // mean of y^2
};

}  // namespace

Kind regress_kind() {
  return {"regress", [](const data::TaskInfo& info, const Options& options) {
            return std::unique_ptr<Task>(std::make_unique<Regress>(info, options));
          }};
}

}  // namespace tasks
