// What a fine-tuning run works on: data, tokenizer, task, model with its strategy. Built in one
// order.
#pragma once

#include <map>
#include <memory>

#include "data/encode.h"
#include "data/glue.h"
#include "data/tokenizer.h"
#include "run/known.h"
#include "run/model.h"
#include "run/settings.h"
#include "tasks/task.h"

namespace run {

struct Session : OpenModel {
  data::TaskData dataset;
  std::unique_ptr<tasks::Task> task;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::string tokenizer_folder;
  int max_length = 0;                                // tokens that texts were cut to
  std::map<std::string, data::EncodedSplit> splits;  // those that exist, encoded
  double encode_seconds = 0;
  std::string model_hash;  // model_identity() of the base model
  std::string data_hash;  // of the ids and labels of all splits, in order: the same data by another
                          // path is the same
  std::vector<std::string> fresh;  // parameters that no file had: drawn from the seed
  std::vector<std::string>
      notes;  // what a person should know: truncated texts, fresh heads, reordered labels

  std::vector<std::string> dev_splits() const;
  std::vector<std::string> test_splits() const;
  // What whoever opens the model later needs to know.
  Known known(const FinetuneSettings& settings) const;
};

// Loads everything that the settings name. Errors are engine::Error.
Session open_session(const FinetuneSettings& settings);

// Loads data only; used by tools that need a task without a model. What the readers say of the data
// is added to `notes`.
data::TaskData load_task(const FinetuneSettings& settings,
                         std::vector<std::string>* notes = nullptr);

}  // namespace run
