// A kind of task: what is learned from an example, how predictions are scored, what is said of a
// new text. One file a kind; a new one is a file with a class and a row in registry.cpp.
//
// The way of a step: batch -> outputs() -> loss() -> backward. The loss is a mean over terms that
// are known before forward, so that an update made of several micro-batches weighs each by its
// terms.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/encode.h"
#include "engine/autograd/graph.h"
#include "engine/io/json.h"
#include "engine/nn/parameter_store.h"
#include "models/classifier.h"

namespace tasks {

using Model = models::SequenceClassifier;

struct Options {
  double label_smoothing = 0;
  bool balanced = false;     // weigh a class by examples / (classes * its examples)
  bool standardise = false;  // learn numbers as (y - mean) / standard deviation of the training set
};

// What was said of the examples of a split, in its order.
struct Predictions {
  int width = 0;                // outputs of a row: classes, or 1
  std::vector<int64_t> starts;  // (examples + 1) rows of each example
  std::vector<double> outputs;  // (rows x width) probabilities, or numbers in their own unit
  std::vector<double>
      predicted;               // (rows) class or number; (rows x width) 0 or 1 for several classes
  double loss = 0, terms = 0;  // loss: the mean over `terms`; 0 of both without labels

  int64_t examples() const { return static_cast<int64_t>(starts.size()) - 1; }
  // Makes room for `examples` of one row each.
  void reserve(int64_t examples, int outputs);
};

class Task {
 public:
  explicit Task(data::TaskInfo info, Options options = {})
      : info_(std::move(info)), options_(options) {}
  virtual ~Task() = default;

  const data::TaskInfo& info() const { return info_; }

  // Token ids and labels of examples; max_length counts special tokens.
  virtual data::EncodedSplit encode(const data::Tokenizer& tokenizer,
                                    std::span<const data::Example> examples, int max_length) const {
    return data::encode_split(tokenizer, examples, info_.pair, max_length);
  }
  // The same of training examples, where evaluation reads them otherwise.
  virtual data::EncodedSplit encode_training(const data::Tokenizer& tokenizer,
                                             std::span<const data::Example> examples,
                                             int max_length) const {
    return encode(tokenizer, examples, max_length);
  }
  // The head that it needs of the model.
  virtual models::HeadKind head() const { return models::HeadKind::classification; }

  // What training data alone tell: class weights, the unit of numbers. Call it before training;
  // the same data give the same answer.
  virtual void fit(const data::EncodedSplit& train) {}
  // What fit() learned, for the record; {} if nothing.
  virtual engine::Json fitted() const { return engine::Json::object(); }

  // How many terms the loss of this batch is a mean of, or the sum of their weights.
  virtual double terms(const engine::TokenBatch& batch) const { return batch.sequences(); }
  // What the loss and the predictions are made of, for instance logits.
  virtual engine::Tensor outputs(engine::Graph& g, Model& model, const engine::TokenBatch& batch) {
    return model.logits(g, batch);
  }
  // Called once, when the model has its values: for a task whose loss reads layers of the model.
  virtual void attach(Model& model) {}
  virtual engine::Tensor loss(engine::Graph& g, const engine::Tensor& outputs,
                              const engine::TokenBatch& batch) const = 0;
  // Without label smoothing and weights: for evaluation.
  virtual engine::Tensor plain_loss(engine::Graph& g, const engine::Tensor& outputs,
                                    const engine::TokenBatch& batch) const {
    return loss(g, outputs, batch);
  }
  // What a loss is multiplied by to be in the unit of the labels.
  virtual double loss_unit() const { return 1; }

  // Makes room for what predict() says of a split; by default one row an example.
  virtual void reserve(const data::EncodedSplit& split, Predictions& to) const {
    to.reserve(split.size(), info_.outputs());
  }
  // All of an evaluation: predict(), and with `labelled` the plain loss of the batch, which is
  // added to to.loss as a sum over to.terms terms.
  virtual void evaluate(engine::Graph& g, const engine::Tensor& outputs,
                        const engine::TokenBatch& batch, bool labelled, Predictions& to) const;
  // Fills the rows of batch.examples.
  virtual void predict(const engine::Tensor& outputs, const engine::TokenBatch& batch,
                       Predictions& to) const = 0;
  // {the task's metrics, "score": their mean, "loss", "examples", "report": {...}}; the split has
  // labels.
  virtual engine::Json score(const Predictions& p, const data::EncodedSplit& split) const = 0;
  // The prediction of an example in words, and the names of its outputs that are written beside it.
  virtual std::string answer(const Predictions& p, int64_t example) const = 0;
  virtual std::vector<std::string> output_names() const { return {}; }
  // The same for JSON: a number, or a list.
  virtual engine::Json answer_json(const Predictions& p, int64_t example) const {
    return answer(p, example);
  }
  // A label of a split in words.
  virtual std::string label(const data::EncodedSplit& split, int64_t example) const = 0;

  // Puts what only training needed into the head, so that the saved model is an ordinary one; and
  // the other way round for a head that was saved so.
  virtual void fold(Model& model) {}
  virtual void unfold(Model& model) {}

 protected:
  data::TaskInfo info_;
  Options options_;
};

// By info.kind. Throws engine::Error that lists the kinds for any other.
std::unique_ptr<Task> make_task(const data::TaskInfo& info, const Options& options = {});

// A kind's row in the registry (registry.cpp).
struct Kind {
  std::string name;
  std::unique_ptr<Task> (*make)(const data::TaskInfo& info, const Options& options);
};
const std::vector<Kind>& kinds();
// For a kind that this library does not have; a name that is known already is replaced.
void add_kind(Kind kind);
Kind classify_kind();
Kind regress_kind();
Kind multilabel_kind();
Kind tag_kind();
Kind language_kind();

// {metric: value, ..., "score": their mean} for the metrics of `info`.
engine::Json named_metrics(const data::TaskInfo& info, const Predictions& p,
                           const data::EncodedSplit& split);

}  // namespace tasks
