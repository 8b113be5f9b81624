// Where a model comes from: a Hugging Face folder, a GGUF file, a config.json without weights, or
// "random:...".
#pragma once

#include <filesystem>
#include <string>

#include "engine/io/checkpoint.h"
#include "models/classifier.h"

namespace models {

struct ModelSource {
  std::string spec;  // as given
  ModelConfig config;
  std::filesystem::path folder;  // holds weights (and, usually, the tokenizer); empty for a random
                                 // model or a bare config; of a GGUF file, the file itself
  bool random = false;

  bool has_weights() const { return !folder.empty(); }
};

// `spec` is a folder with config.json and weights, a GGUF file or a folder with nothing but one
// (models/gguf.h), the path of a config.json (weights are not looked for), or "random:..."
// (config_from_spec). Errors say what was looked for and where.
ModelSource open_model(const std::string& spec, int64_t vocab_size_if_random = 30522);
inline bool is_random_model(std::string_view spec) {
  return spec == "random" || spec.starts_with("random:");
}

// The tensors of a source that has weights, under Hugging Face's names.
engine::Checkpoint checkpoint_of(const ModelSource& source);

// Gives every parameter a value: from the checkpoint where there is one, else fresh from `seed`.
// The store is allocated. A head of other size in the file is left alone if `allow_head_mismatch`,
// and is an error otherwise.
engine::LoadReport load_weights(const ModelSource& source, engine::ParameterStore& store,
                                uint64_t seed, bool allow_head_mismatch);

// A config.json that says in which type the values beside it are: under "dtype" where it has that
// key (transformers 5), else under "torch_dtype".
engine::Json with_dtype(engine::Json config, engine::DType dtype);

// Writes config.json and model.safetensors as transformers reads them.
void save_classifier(const std::filesystem::path& folder, const SequenceClassifier& model,
                     const engine::ParameterStore& store, engine::DType dtype = engine::DType::F32);

}  // namespace models
