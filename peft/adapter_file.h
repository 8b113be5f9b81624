// Adapter files: a folder with adapter_config.json and adapter_model.safetensors, a few megabytes
// beside a base model.
//
//   peft::save_adapter(folder, *strategy, store, {.base_model = "bert-base-uncased", .base_hash =
//   hash});
//
//   const peft::AdapterFile file = peft::load_adapter(folder);       // the other way round
//   auto strategy = peft::make_strategy(file.spec);
//   ... apply, store, allocate, load the base model ...
//   peft::apply_adapter(file, store, hash);
//
// LoRA, IA3, norm, prefixes and prompts are PEFT's files, both ways; adapter_model.bin is read too.
// A prefix is saved as its table, without the MLP that made it, and read back as a flat one.
//
// Strategies that PEFT has no type for are files of ours: the trained parameters under their
// Hugging Face names, and the spec under "peft_cpp" in the configuration.
//
// What the base checkpoint lacks and was drawn for this run (a pooler) is saved too, trained or
// not.
//
// Reading is strict: tensors that the model has no parameter for, trained parameters that the file
// does not have and other shapes are one error that lists them. (PEFT reads with strict=False, and
// a head that was not in the file stays random.)
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/safetensors.h"
#include "engine/nn/parameter_store.h"
#include "peft/strategy.h"

namespace peft {

struct AdapterInfo {
  std::string base_model;  // name or path of the base model
  std::string base_hash;   // its identity, by whatever digest the caller uses; empty: not stored
  std::string task_type = "SEQ_CLS";  // PEFT's name of the task
};

struct AdapterFile {
  std::filesystem::path folder, file;  // `file` holds the tensors
  std::string spec;                    // what make_strategy needs to make room for the tensors
  std::string base_model, base_hash;   // as saved; empty if the file does not say
  bool peft = false;                   // a file in PEFT's format (theirs or ours)
  engine::Json config;                 // adapter_config.json as it is
  std::map<std::string, engine::SafeTensor> tensors;        // by our parameter names
  std::vector<std::shared_ptr<std::vector<float>>> memory;  // of tensors that are no file's
};

struct ApplyOptions {
  bool allow_missing_head = false;  // for a file without the task's head: a fresh one stays
};

// Makes the folder. The strategy must have been applied, and the store hold values. Atomic by file.
void save_adapter(const std::filesystem::path& folder, const Strategy& strategy,
                  const engine::ParameterStore& store, const AdapterInfo& info,
                  const engine::Sites& sites);

// Updates of some columns of a fused layer, as we train them: one update each, as apply_adapter
// needs them, or joined to one of the layer, as PEFT has them and the file holds them.
enum class Fused { split, joined };

// Reads and checks the configuration, and renames the tensors. Values are read by apply_adapter.
AdapterFile load_adapter(const std::filesystem::path& folder, Fused fused = Fused::split);

// Copies the tensors into the store and sets Parameter::loaded. `base_hash` is that of the model in
// the store; another one in the file is an error (empty: not compared). Throws before any value is
// changed.
void apply_adapter(const AdapterFile& file, engine::ParameterStore& store,
                   const std::string& base_hash, const ApplyOptions& options = {});

}  // namespace peft
