#include "apps/convert/opened.h"

#include <utility>

#include "engine/base/error.h"
#include "models/gguf.h"
#include "run/by_name.h"

namespace apps {
namespace {

namespace fs = std::filesystem;

// The tensors of a GGUF file whose architecture has no names here, under its own.
engine::Checkpoint plain_checkpoint(const engine::Gguf& file) {
  std::map<std::string, engine::SafeTensor> tensors;
  for (const auto& [name, tensor] : file.tensors()) tensors.emplace(name, file.tensor(name));
  return {file.file()->path(), {file.file()->path()}, std::move(tensors)};
}

}  // namespace

OpenedCheckpoint open_checkpoint(const std::string& spec) {
  std::error_code none;
  const fs::path path = fs::exists(spec, none) ? spec : run::by_name(spec, run::Need::weights);
  if (const auto file = models::gguf_of(path)) {
    engine::Gguf gguf = engine::Gguf::open(*file);
    const std::string architecture = gguf.text("general.architecture").value_or("");
    const bool known = models::is_gguf_architecture(architecture);
    engine::Checkpoint tensors = known ? models::gguf_checkpoint(gguf) : plain_checkpoint(gguf);
    return {std::move(tensors), std::move(gguf), {}};
  }
  const bool folder = fs::is_directory(path, none);
  const fs::path adapter = path / "adapter_model.safetensors";
  if (folder && !fs::exists(path / "config.json", none) && fs::exists(adapter, none))
    return {engine::Checkpoint(adapter), std::nullopt, path};
  return {engine::Checkpoint(path), std::nullopt, folder ? path : path.parent_path()};
}

}  // namespace apps
