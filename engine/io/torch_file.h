// Tensors of a file that torch.save wrote: pytorch_model.bin, .pt, .pth, .ckpt.
//
// A zip archive with a pickle that names tensors and a file of bytes for each storage (torch 1.6
// and later), or the older form, where the storages follow the pickle. Nothing in it is run
// (pickle.h). Values stay in the mapped file, but for tensors whose rows are not one behind
// another.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "engine/io/safetensors.h"

namespace engine {

// By name: of a state dict, or of the one inside of a checkpoint ("state_dict", "model_state_dict",
// "model"); what is no tensor is left out. Throws engine::Error that names the file, and the
// tensor, for whatever is damaged, would need code to be run, or holds no tensor.
std::map<std::string, SafeTensor> read_torch_file(const std::filesystem::path& path);

}  // namespace engine
