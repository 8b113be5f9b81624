// Language modelling: the next token of texts, completions and chats (data/language).
//   loss = mean over the tokens that are learned of -log softmax(logits)[next token]
// Perplexity is exp(loss); bits per byte spread the same sum over the bytes of the text, so that
// models with other vocabularies can be compared.
#include <algorithm>
#include <cmath>

#include "data/language/encode_language.h"
#include "engine/base/error.h"
#include "tasks/task.h"

namespace tasks {
namespace {

using engine::Graph;
using engine::Json;
using engine::Tensor;
using engine::TokenBatch;

class Language final : public Task {
 public:
  using Task::Task;

  data::EncodedSplit encode(const data::Tokenizer& tokenizer,
                            std::span<const data::Example> examples,
                            int max_length) const override {
    return data::encode_language(tokenizer, examples, max_length, info_.text, false);
  }
  data::EncodedSplit encode_training(const data::Tokenizer& tokenizer,
                                     std::span<const data::Example> examples,
                                     int max_length) const override {
    return data::encode_language(tokenizer, examples, max_length, info_.text, true);
  }
  models::HeadKind head() const override { return models::HeadKind::language_model; }
  void attach(Model& model) override { head_ = &model.vocabulary(); }

  double terms(const TokenBatch& batch) const override {
    return static_cast<double>(batch.terms());
  }
  // (terms, hidden) of the tokens that predict.
  Tensor outputs(Graph& g, Model& model, const TokenBatch& batch) override {
    std::vector<int32_t> rows;
    for (size_t row = 0; row < batch.targets.size(); ++row)
      if (batch.targets[row] >= 0) rows.push_back(static_cast<int32_t>(row));
    if (rows.empty()) rows.push_back(0);  // nothing is learned here, but a row is asked for
    return model.encode_at(g, batch, rows);
  }
  Tensor loss(Graph& g, const Tensor& outputs, const TokenBatch& batch) const override {
    return vocabulary_loss(g, outputs, batch, {.smoothing = options_.label_smoothing});
  }
  Tensor plain_loss(Graph& g, const Tensor& outputs, const TokenBatch& batch) const override {
    return vocabulary_loss(g, outputs, batch, {});
  }

  void reserve(const data::EncodedSplit& split, Predictions& to) const override {
    to.reserve(split.size(), 0);
  }
  // predicted[i]: nats of row i, all its terms together.
  void evaluate(Graph& g, const Tensor& outputs, const TokenBatch& batch, bool labelled,
                Predictions& to) const override {
    std::vector<double> nll(static_cast<size_t>(outputs.rows()));
    vocabulary_loss(g, outputs, batch, {.nll = nll.data()});
    size_t at = 0;
    for (int s = 0; s < batch.sequences(); ++s) {
      double& sum = to.predicted[static_cast<size_t>(batch.examples[static_cast<size_t>(s)])];
      for (int32_t i = 0; i < batch.predicting().length(s); ++i)
        if (batch.targets[static_cast<size_t>(batch.predicting().begin(s) + i)] >= 0)
          sum += nll[at++];
    }
    for (const double each : nll) to.loss += each;
    to.terms += static_cast<double>(nll.size());
  }
  void predict(const Tensor&, const TokenBatch&, Predictions&) const override {}

  Json score(const Predictions& p, const data::EncodedSplit& split) const override {
    int64_t bytes = 0;
    for (int64_t i = 0; i < split.size(); ++i) bytes += split.bytes(i);
    const double bits = p.loss * p.terms / std::log(2.0);
    return {{"loss", p.loss},
            {"perplexity", std::exp(p.loss)},
            {"bits_per_byte", bytes > 0 ? bits / static_cast<double>(bytes) : 0},
            {"tokens", static_cast<int64_t>(p.terms)},
            {"bytes", bytes},
            {"examples", split.size()},
            {"truncated", split.truncated()},
            {"score", -p.loss}};
  }
  std::string answer(const Predictions& p, int64_t example) const override {
    return std::to_string(p.predicted[static_cast<size_t>(example)]);
  }
  Json answer_json(const Predictions& p, int64_t example) const override {
    return p.predicted[static_cast<size_t>(example)];
  }
  // How many tokens the nats are of.
  std::string label(const data::EncodedSplit& split, int64_t example) const override {
    const auto targets = split.targets(example);
    return std::to_string(
        std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; }));
  }

 private:
  Tensor vocabulary_loss(Graph& g, const Tensor& outputs, const TokenBatch& batch,
                         const engine::VocabularyLossOptions& options) const {
    engine::check(head_ != nullptr, "task", "a language model's loss needs its model: attach it");
    std::vector<int32_t> targets;
    for (const int32_t target : batch.targets)
      if (target >= 0) targets.push_back(target);
    return head_->loss(g, outputs, targets, options);
  }

  models::VocabularyHead* head_ = nullptr;
};

}  // namespace

Kind language_kind() {
  return {"lm", [](const data::TaskInfo& info, const Options& options) {
            return std::unique_ptr<Task>(std::make_unique<Language>(info, options));
          }};
}

}  // namespace tasks
