// From what a person gives (a run, a model, an adapter) to the files: base model, adapter,
// tokenizer and what the run knew.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/tokenizer.h"
#include "models/pretrained.h"
#include "peft/adapter_file.h"
#include "run/known.h"

namespace run {

struct ModelRequest {
  std::string run;        // a run folder; or:
  std::string model;      // base or merged model; empty: the run's or the adapter's
  std::string adapter;    // folder of an adapter, or a run folder
  std::string tokenizer;  // folder; empty: the run's, or the model's
  uint64_t seed = 0;      // of what no file has; 0: the run's, or 42
  bool writable = false;  // weights may be written to: for merging
};

struct Located {
  std::optional<Known> known;
  std::optional<peft::AdapterFile> adapter;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::string tokenizer_folder;
  models::ModelSource source;
  uint64_t seed = 42;
};

// Opens the files without reading weights. `command` opens the errors about the run's folder.
// Throws where a file is missing, and for a tokenizer with more entries than the model has rows.
Located locate(const ModelRequest& request, const char* command);

// Whether it is to continue texts: what its run was about, else the adapter's or the model's head,
// else whether the model is causal.
bool is_language_model(const Located& found);

}  // namespace run
