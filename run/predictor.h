// A trained model that is asked about new texts, opened with all that its run knew.
#pragma once

#include <optional>

#include "data/own.h"
#include "run/locate.h"
#include "run/model.h"
#include "tasks/task.h"

namespace run {

struct PredictRequest : ModelRequest {
  int max_length = 0;  // 0: the run's, or what model and tokenizer allow (of texts, at most 1,024)
  std::string task;    // "lm": a language model whatever the files say
  // Of a language model; empty: the run's, or completion, the tokenizer's own, right.
  std::string loss, chat_format, truncation_side;
};

class Predictor {
 public:
  // Throws engine::Error as the parts do. What no file had is in fresh().
  explicit Predictor(const PredictRequest& request)
      : Predictor(locate(request, "predict"), request) {}
  // With `base`, which the first adapter opens, frozen values are those of the shared model. Throws
  // for a head of another kind than the first adapter's.
  Predictor(Located found, const PredictRequest& request, SharedBase* base = nullptr);

  // In the order of the examples; labels are not looked at.
  tasks::Predictions predict(const data::EncodedSplit& split, int batch_size = 64);
  data::EncodedSplit encode(std::span<const data::Example> examples) const;

  const data::TaskInfo& info() const { return task_->info(); }
  tasks::Task& task() { return *task_; }
  OpenModel& model() { return open_; }
  const data::Tokenizer& tokenizer() const { return *tokenizer_; }
  const std::string& tokenizer_files() const { return tokenizer_folder_; }
  int max_length() const { return max_length_; }
  const data::ColumnNames& columns() const { return columns_; }
  const std::optional<Known>& known() const { return known_; }
  uint64_t seed() const { return seed_; }
  // Names of parameters of the head that no file had: predictions mean nothing if there are any.
  const std::vector<std::string>& fresh() const { return fresh_; }

 private:
  std::optional<Known> known_;
  data::ColumnNames columns_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::string tokenizer_folder_;
  int max_length_ = 0;
  uint64_t seed_ = 42;
  OpenModel open_;
  std::unique_ptr<tasks::Task> task_;
  std::vector<std::string> fresh_;
  engine::Workspace workspace_;
};

// Which columns of a table are read: those that `given` names, else the run's, else by guess.
data::OwnData columns_for(const Predictor& predictor, const data::ColumnNames& given);

}  // namespace run
