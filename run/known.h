// What a run knows of its task, for whoever opens its model later: names of classes and their
// order, columns, length, seed, where model and tokenizer were.
//
// It is read from the run.json of a run, and from task.json, which is written beside every adapter
// and every merged model, so that a folder that was copied elsewhere still has it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "data/task.h"
#include "engine/io/json.h"

namespace run {

struct Known {
  data::TaskInfo task;
  data::ColumnNames columns;     // of own data; empty for GLUE's
  int max_length = 0;            // tokens that texts were cut to; 0: unknown
  uint64_t seed = 42;            // of what the base model's files do not have
  std::string model, tokenizer;  // as they were given; empty where the folder itself is the model

  engine::Json to_json() const;
  static Known from_json(const engine::Json& json, const std::string& where);
};

// `folder` is a run's, an adapter's (also the one inside a run) or a model's. nullopt if nothing is
// known; engine::Error if a file is there and is not what it should be.
std::optional<Known> find_known(const std::filesystem::path& folder);

// Writes folder/task.json, atomically.
void write_known(const std::filesystem::path& folder, const Known& known);

// The folder with adapter_config.json: `given` itself, or given/adapter of a run.
std::filesystem::path adapter_folder(const std::filesystem::path& given);

}  // namespace run
