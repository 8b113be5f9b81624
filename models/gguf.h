// Models in GGUF files: the LLaMA family under llama.cpp's names, as a config.json and tensors
// under Hugging Face's names, and back.
//
// What llama.cpp does to a model on the way (convert_hf_to_gguf.py): of "llama", the rows of q and
// k are interleaved (its rotary pairs are neighbours, Hugging Face's are half a head apart), which
// qwen2 and qwen3 are not; llama3's scaling of frequencies is a tensor, rope_freqs.weight; a tied
// output layer is left out.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "engine/io/checkpoint.h"
#include "engine/io/gguf.h"
#include "engine/io/json.h"

namespace models {

// The GGUF file that a path stands for: itself, or the only one in a folder that has no
// config.json; nullopt for other things. Throws for a folder with several.
std::optional<std::filesystem::path> gguf_of(const std::filesystem::path& path);

// Whether it is one of the family: "llama", "qwen2", "qwen3".
bool is_gguf_architecture(const std::string& name);

// The config.json of the model in a file. Throws, by name, for an architecture that is not of the
// family, and for settings that its models here do not have.
engine::Json gguf_config(const engine::Gguf& file);

// The tensors under Hugging Face's names and in its order of rows. Nothing is copied.
engine::Checkpoint gguf_checkpoint(const engine::Gguf& file);

// "model.layers.0.self_attn.q_proj.weight" of "blk.0.attn_q.weight" and the other way round; empty
// for a name that the family does not have.
std::string hf_name_of_gguf(const std::string& name);
std::string gguf_name_of_hf(const std::string& name);

// The rows of a q or k of `rows` rows in `heads` heads: GGUF's row of Hugging Face's row i, and
// Hugging Face's row of GGUF's row i.
std::function<int64_t(int64_t)> interleaved_row(int64_t rows, int64_t heads);
std::function<int64_t(int64_t)> halved_row(int64_t rows, int64_t heads);

}  // namespace models
