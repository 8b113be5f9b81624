// Hugging Face checkpoints: from a folder's tensors to a model's parameters, and back.
//
//   ParameterStore store(model); strategy marks; store.allocate();
//   const LoadReport report = load_checkpoint("models/bert-base-uncased", store);
//   store.initialise(seed);                 // what was not in the file: the head, injected modules
//   log(report.summary());
//
// Which tensor belongs to a parameter, in this order:
//   1. the parameter's own name;
//   2. the name with the base model's prefix added or taken away (`bert.encoder...` here,
//      `encoder...` in the file, or the other way round). The prefix is found by comparing all
//      names, once for the whole checkpoint;
//   3. for parameters of a LayerNorm, TensorFlow's names: `.gamma` for `.weight`, `.beta` for
//      `.bias`.
// Buffers (position_ids, GPT-2's causal mask `h.0.attn.bias`) are not parameters and are ignored.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/safetensors.h"
#include "engine/nn/parameter_store.h"

namespace engine {

// The tensors of one model, over one file or several shards.
class Checkpoint {
 public:
  // `path` is a folder with model.safetensors, pytorch_model.bin, or the .index.json of either (and
  // its shards), in this order; or one such file. Throws if nothing of the kind is there, if a
  // shard is missing or lacks a tensor that the index promises, and for TensorFlow's files.
  explicit Checkpoint(const std::filesystem::path& path);
  // Of tensors that were found elsewhere, in these files.
  Checkpoint(std::filesystem::path path, std::vector<std::filesystem::path> files,
             std::map<std::string, SafeTensor> tensors)
      : path_(std::move(path)), files_(std::move(files)), tensors_(std::move(tensors)) {}

  const SafeTensor* find(const std::string& name) const;  // null if there is none
  const std::map<std::string, SafeTensor>& tensors() const { return tensors_; }
  const std::vector<std::filesystem::path>& files() const { return files_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  void add(const std::filesystem::path& file);
  void add_shards(const std::filesystem::path& index);

  std::filesystem::path path_;
  std::vector<std::filesystem::path> files_;
  std::map<std::string, SafeTensor> tensors_;
};

struct LoadOptions {
  bool borrow = true;  // frozen F32 values stay in the mapped file
  // A head of another size in the file is left alone instead of being an error.
  bool allow_head_mismatch = false;
};

struct LoadReport {
  struct Mismatch {
    std::string parameter, tensor;
    std::vector<int64_t> wanted, found;  // dims as in the file
  };

  std::filesystem::path path;
  std::vector<std::filesystem::path> files;  // that were read
  std::vector<std::string> loaded;           // parameters, in order of declaration
  std::vector<std::string> missing;  // parameters that may start fresh and were not in the file
  std::vector<Mismatch> mismatched;  // the same, of another size in the file (allow_head_mismatch)
  std::vector<std::string> unexpected;        // tensors that no parameter asked for
  std::vector<std::string> ignored;           // buffers
  std::vector<std::string> transposed;        // parameters whose file stores (in, out)
  std::map<std::string, std::string> source;  // parameter -> tensor, where the names differ
  std::string prefix;  // "bert." if the file leaves it out, "+bert." if only the file has it
  int64_t borrowed_bytes = 0;  // left in the file
  int64_t owned_bytes = 0;     // copied or converted

  // A few lines for people: what was loaded from where, what starts fresh, what the file holds
  // besides.
  std::string summary() const;
};

// Gives every parameter of the store its value where the checkpoint has one, and sets
// Parameter::loaded. The store must be allocated. Throws engine::Error, before any value is
// changed, if a required parameter is missing or has other dims, or if a head has other dims and
// options do not allow it.
LoadReport load_checkpoint(const std::filesystem::path& path, ParameterStore& store,
                           const LoadOptions& options = {});
LoadReport load_checkpoint(const Checkpoint& checkpoint, ParameterStore& store,
                           const LoadOptions& options = {});

// One parameter from one tensor, for adapter files with their own names. Throws unless the dims are
// equal (swapped if transposed_in_file). Returns whether the value was borrowed.
bool load_parameter(const SafeTensor& tensor, Parameter& parameter, ParameterStore& store,
                    bool borrow = true);

// Writes the parameters under their names, in the order and layout of Hugging Face's safetensors
// library: the same bytes for the same input. Atomic: an error leaves an older file untouched.
// Parameters must have values.
void save_parameters(const std::filesystem::path& file, const std::vector<Parameter*>& parameters,
                     DType dtype = DType::F32, const Metadata& metadata = {{"format", "pt"}});

// All parameters of the store as `folder`/model.safetensors; makes the folder. Configuration and
// vocabulary are not the engine's: the caller adds them.
void save_model(const std::filesystem::path& folder, const ParameterStore& store,
                DType dtype = DType::F32);

}  // namespace engine
