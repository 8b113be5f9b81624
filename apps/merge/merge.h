// A model with its adapter folded in: an ordinary Hugging Face folder that anything can load.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

#include "peft/adapter_file.h"

namespace apps {

struct MergeOptions {
  std::string model;              // the base model's folder, or random:...; empty: the run's
  std::filesystem::path adapter;  // the adapter's folder, or the run folder around it
  std::filesystem::path out;      // must not exist, or be empty
  std::string dtype = "F32";      // F32, F16 or BF16
  uint64_t seed = 0;              // of what the base model's files lack; 0: the run's
  std::string tokenizer = {};     // its folder; empty: the run's, or the model's
  // Merged in place of the adapter's tensors: a sum of adapters, of which `adapter` is the first.
  std::optional<peft::AdapterFile> sum = {};
};

// Writes config.json, model.safetensors and the tokenizer's files. Throws engine::Error: an adapter
// or a prefix cannot be merged (the message says why), another base model than the adapter was
// trained on, an out folder that holds files.
void merge_adapter(const MergeOptions& options, std::ostream& log);

// `peft merge ARGUMENTS`; argv[0] is the program. Returns the exit code.
int merge_command(int argc, const char* const* argv);

}  // namespace apps
