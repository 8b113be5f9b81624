// A checkpoint in any form that is read, for commands that look at files rather than run a model.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/io/checkpoint.h"
#include "engine/io/gguf.h"

namespace apps {

struct OpenedCheckpoint {
  engine::Checkpoint tensors;        // under Hugging Face's names where they are known
  std::optional<engine::Gguf> gguf;  // the file, if it is one
  std::filesystem::path folder;      // of config.json and tokenizer; empty for a GGUF file
};

// `spec` is a folder, a file (safetensors, its index, torch's, GGUF), the folder of an adapter, or
// the name of a model on the hub. Throws engine::Error for all else.
OpenedCheckpoint open_checkpoint(const std::string& spec);

}  // namespace apps
