// Multi-label classification: any number of the classes for an example.
//   loss = mean over examples and classes of the binary cross entropy; a class with p > 0.5 is said
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

class Multilabel final : public Task {
 public:
  using Task::Task;

  Tensor loss(Graph& g, const Tensor& outputs, const TokenBatch& batch) const override {
    engine::check(batch.labels.size() == static_cast<size_t>(outputs.size()), "loss",
                  "the batch has ", batch.labels.size(), " labels for logits ", outputs.shape());
    return engine::binary_cross_entropy(g, outputs, batch.labels.data());
  }

  data::EncodedSplit encode(const data::Tokenizer& tokenizer,
                            std::span<const data::Example> examples,
                            int max_length) const override {
    return data::encode_split(tokenizer, examples, info_.pair, max_length, info_.outputs());
  }

  void predict(const Tensor& logits, const TokenBatch& batch, Predictions& to) const override {
    const auto classes = static_cast<size_t>(logits.cols());
    to.predicted.resize(to.outputs.size());
    for (int64_t i = 0; i < logits.rows(); ++i) {
      const auto at = static_cast<size_t>(batch.examples[static_cast<size_t>(i)]) * classes;
      for (size_t c = 0; c < classes; ++c) {
        const double x = static_cast<double>(logits.row(i)[c]);
        to.outputs[at + c] = 1 / (1 + std::exp(-x));
        to.predicted[at + c] = x > 0;
      }
    }
  }
  Json score(const Predictions& p, const data::EncodedSplit& split) const override {
    const Json report = multilabel_report(p.predicted, split.labels(), info_.labels);
    Json json = Json::object();
    json["micro_f1"] = json["score"] = report["micro_f1"];
    json["macro_f1"] = report["macro_f1"];
    json["loss"] = p.loss;
    json["examples"] = split.size();
    json["report"] = report;
    return json;
  }
  std::string answer(const Predictions& p, int64_t example) const override {
    return names(p.predicted, example);
  }
  Json answer_json(const Predictions& p, int64_t example) const override {
    Json list = Json::array();
    const size_t n = info_.labels.size(), at = static_cast<size_t>(example) * n;
    for (size_t c = 0; c < n; ++c)
      if (p.predicted[at + c] > 0) list.push_back(info_.labels[c]);
    return list;
  }
  std::vector<std::string> output_names() const override { return info_.labels; }
  std::string label(const data::EncodedSplit& split, int64_t example) const override {
    return names(split.labels(), example);
  }

 private:
  std::string names(const std::vector<double>& flags, int64_t example) const {
    std::string text;
    const size_t n = info_.labels.size(), at = static_cast<size_t>(example) * n;
    for (size_t c = 0; c < n; ++c)
      if (flags[at + c] > 0) text += (text.empty() ? "" : "|") + info_.labels[c];
    return text;
  }
};

}  // namespace

Kind multilabel_kind() {
  return {"multilabel", [](const data::TaskInfo& info, const Options& options) {
            return std::unique_ptr<Task>(std::make_unique<Multilabel>(info, options));
          }};
}

}  // namespace tasks
