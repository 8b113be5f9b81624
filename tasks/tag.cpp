// Tagging (token classification, NER): a class for every word, read at the word's first piece.
//   loss = mean over words of -log softmax(logits)[tag]
// Entities are scored as seqeval's default mode does (entities.h). A word that max_length cut off
// is said to be "O", or the first class where there is no "O".
#include <cmath>

#include "data/tagged.h"
#include "engine/base/error.h"
#include "engine/ops/loss.h"
#include "tasks/entities.h"
#include "tasks/task.h"

namespace tasks {
namespace {

using engine::Graph;
using engine::Json;
using engine::Tensor;
using engine::TokenBatch;

class Tag final : public Task {
 public:
  Tag(data::TaskInfo info, Options options) : Task(std::move(info), options) {
    if (const auto o = info_.label_index("O")) outside_ = *o;
  }

  data::EncodedSplit encode(const data::Tokenizer& tokenizer,
                            std::span<const data::Example> examples,
                            int max_length) const override {
    return data::encode_tagged(tokenizer, examples, max_length);
  }
  models::HeadKind head() const override { return models::HeadKind::token_classification; }
  void reserve(const data::EncodedSplit& split, Predictions& to) const override {
    to.width = info_.outputs();
    to.starts.assign(1, 0);
    for (int64_t i = 0; i < split.size(); ++i)
      to.starts.push_back(to.starts.back() + split.words(i));
    to.predicted.assign(static_cast<size_t>(to.starts.back()), outside_);
    to.outputs.clear();
  }

  double terms(const TokenBatch& batch) const override {
    return static_cast<double>(marked(batch).size());
  }
  Tensor outputs(Graph& g, Model& model, const TokenBatch& batch) override {
    return model.logits_at(g, batch, marked(batch));
  }
  Tensor loss(Graph& g, const Tensor& outputs, const TokenBatch& batch) const override {
    return cross_entropy(g, outputs, batch, options_.label_smoothing);
  }
  Tensor plain_loss(Graph& g, const Tensor& outputs, const TokenBatch& batch) const override {
    return cross_entropy(g, outputs, batch, 0);
  }

  void predict(const Tensor& logits, const TokenBatch& batch, Predictions& to) const override {
    const std::vector<int32_t> rows = marked(batch);
    size_t at = 0;
    for (int s = 0; s < batch.sequences(); ++s) {
      int64_t word = to.starts[static_cast<size_t>(batch.examples[static_cast<size_t>(s)])];
      for (const int32_t end = batch.segments.begin(s) + batch.segments.length(s);
           at < rows.size() && rows[at] < end; ++at, ++word) {
        Eigen::Index best = 0;
        logits.row_array(static_cast<int64_t>(at)).maxCoeff(&best);
        to.predicted[static_cast<size_t>(word)] = static_cast<double>(best);
      }
    }
  }
  Json score(const Predictions& p, const data::EncodedSplit& split) const override {
    Tags predicted, truth;
    for (int64_t i = 0; i < split.size(); ++i) {
      predicted.emplace_back();
      truth.emplace_back();
      for (int64_t w = 0; w < split.words(i); ++w) {
        predicted.back().push_back(name(p, i, w));
        truth.back().push_back(info_.label_name(split.tags(i)[static_cast<size_t>(w)]));
      }
    }
    const Json report = entity_report(predicted, truth);
    return {{"f1", report["f1"]},         {"precision", report["precision"]},
            {"recall", report["recall"]}, {"accuracy", report["accuracy"]},
            {"score", report["f1"]},      {"loss", p.loss},
            {"examples", split.size()},   {"report", report}};
  }
  std::string answer(const Predictions& p, int64_t example) const override {
    std::string text;
    const int64_t words =
        p.starts[static_cast<size_t>(example) + 1] - p.starts[static_cast<size_t>(example)];
    for (int64_t w = 0; w < words; ++w) text += (w ? " " : "") + name(p, example, w);
    return text;
  }
  Json answer_json(const Predictions& p, int64_t example) const override {
    Json tags = Json::array();
    const auto at = static_cast<size_t>(example);
    for (int64_t w = 0; w < p.starts[at + 1] - p.starts[at]; ++w)
      tags.push_back(name(p, example, w));
    return tags;
  }
  std::string label(const data::EncodedSplit& split, int64_t example) const override {
    std::string text;
    for (const int32_t tag : split.tags(example))
      text += (text.empty() ? "" : " ") + info_.label_name(tag);
    return text;
  }

 private:
  // The rows of the words' first pieces.
  static std::vector<int32_t> marked(const TokenBatch& batch) {
    std::vector<int32_t> rows;
    for (size_t row = 0; row < batch.targets.size(); ++row)
      if (batch.targets[row] >= 0) rows.push_back(static_cast<int32_t>(row));
    return rows;
  }
  static Tensor cross_entropy(Graph& g, const Tensor& logits, const TokenBatch& batch,
                              double smoothing) {
    std::vector<double> labels;
    for (const int32_t target : batch.targets)
      if (target >= 0) labels.push_back(target);
    return engine::cross_entropy(g, logits, labels.data(), smoothing);
  }
  std::string name(const Predictions& p, int64_t example, int64_t word) const {
    return info_.label_name(static_cast<int64_t>(
        p.predicted[static_cast<size_t>(p.starts[static_cast<size_t>(example)] + word)]));
  }

  int outside_ = 0;
};

}  // namespace

Kind tag_kind() {
  return {"tag", [](const data::TaskInfo& info, const Options& options) {
            return std::unique_ptr<Task>(std::make_unique<Tag>(info, options));
          }};
}

}  // namespace tasks
