// What a run works on: data, tokenizer, model with its strategy, parameters. Built in one order,
// used by all tools.
#pragma once

#include <map>
#include <memory>

#include "data/encode.h"
#include "data/glue.h"
#include "data/tokenizer.h"
#include "models/pretrained.h"
#include "peft/strategy.h"
#include "run/settings.h"

namespace run {

struct Session {
  data::TaskData task;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::string tokenizer_folder;
  int max_length = 0;                                // tokens that texts were cut to
  std::map<std::string, data::EncodedSplit> splits;  // those that exist, encoded
  double encode_seconds = 0;
  models::ModelSource source;
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<peft::Strategy> strategy;
  std::unique_ptr<engine::ParameterStore> store;
  engine::LoadReport load;
  std::string model_hash;  // model_identity() of the base model
  std::string data_hash;  // of the ids and labels of all splits, in order: the same data by another
                          // path is the same
  std::vector<std::string>
      notes;  // what a person should know: truncated texts, fresh heads, reordered labels

  std::vector<std::string> dev_splits() const;
  std::vector<std::string> test_splits() const;
};

// Loads everything that the settings name. Errors are engine::Error.
Session open_session(const FinetuneSettings& settings);

// The folder of a tokenizer for a model that brings none: `given`, or the one that ships with the
// project, found from $PEFT_DATA or above the running program (data/pretrained/*/vocab.txt).
std::string tokenizer_folder(const std::string& model, const std::string& given);

// What an adapter remembers of its base model: a digest of weight files and config.json, or of a
// random model's spec, vocabulary size and seed.
std::string model_identity(const models::ModelSource& source, uint64_t seed);

// Loads data only; used by tools that need a task without a model.
data::TaskData load_task(const FinetuneSettings& settings);

}  // namespace run
