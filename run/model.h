// A model with a strategy and values: the one place where the parts are put together in their
// order.
#pragma once

#include <memory>
#include <string>

#include "data/tokenizer.h"
#include "models/pretrained.h"
#include "peft/adapter_file.h"
#include "peft/strategy.h"

namespace run {

struct OpenModel {
  models::ModelSource source;
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<peft::Strategy> strategy;
  engine::Sites sites;
  std::unique_ptr<engine::ParameterStore> store;
  engine::LoadReport load;
};

// A base model that several adapters share, opened once with no strategy.
struct SharedBase {
  std::shared_ptr<const OpenModel> model;  // null: not yet
  std::string identity;                    // as model_identity()
};

struct OpenOptions {
  uint64_t seed = 42;                          // of what the files do not have
  bool allow_head_mismatch = true;             // a head of another size in the file is left alone
  bool writable = false;                       // no weight stays in the mapped file: for merging
  bool values = true;                          // false: shapes and parameters only
  const data::Tokenizer* tokenizer = nullptr;  // reads the text that a strategy begins as
  // Opened from the same source with the same kind of head: frozen values are read there, not held
  // again, and no file is read.
  std::shared_ptr<const OpenModel> base = nullptr;
};

// Declares the model of `source`, applies the strategy, makes the store and fills it: from the
// checkpoint where there is one, else fresh. Errors are engine::Error, as the parts throw them.
OpenModel open_model(models::ModelSource source, const std::string& strategy,
                     const OpenOptions& options = {});

// Gives every parameter of an allocated store its value, as open_model does.
engine::LoadReport fill(const models::ModelSource& source, engine::ParameterStore& store,
                        const OpenOptions& options);

// What an adapter remembers of its base model: a digest of weight files and config.json, or of a
// random model's spec, vocabulary size and seed.
std::string model_identity(const models::ModelSource& source, uint64_t seed);

// Where the tokenizer of a model is: `given`, the model's folder or GGUF file, or for a random
// model the one that ships with the project, found from $PEFT_DATA or above the running program
// (data/pretrained/*/vocab.txt).
std::string tokenizer_folder(const std::string& model, const std::string& given);

}  // namespace run
