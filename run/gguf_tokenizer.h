// Tokenizers wherever they are: in a Hugging Face folder, or inside of a GGUF file.
#pragma once

#include <filesystem>
#include <memory>

#include "data/tokenizer.h"
#include "data/tokenizers/gguf.h"
#include "engine/io/gguf.h"
#include "engine/io/gguf_writer.h"

namespace run {

// The "tokenizer.*" of a file's metadata.
data::GgufTokenizer read_gguf_tokenizer(const engine::Gguf& file);
// The same as the files of a Hugging Face folder. Throws as data::files_of_gguf.
data::TokenizerFiles gguf_tokenizer_files(const engine::Gguf& file);

// The same metadata of a new file.
void add_to_gguf(engine::GgufWriter& file, const data::GgufTokenizer& tokenizer);

// Of a folder (data::load_tokenizer), a GGUF file, or a folder with nothing but one.
std::unique_ptr<data::Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace run
