// A checkpoint in another format, type or number of files, with what belongs to it.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

namespace apps {

struct ConvertOptions {
  std::string model;      // what is read
  std::string out;        // a folder, or a .safetensors or .gguf file
  std::string dtype;      // f32, f16, bf16 or q8_0; empty: as they are, quantised values as f32
  std::string format;     // safetensors or gguf; empty: as `out` ends
  std::string tokenizer;  // its folder, for GGUF; empty: the model's
  int64_t max_shard_size = 5'000'000'000;
  bool overwrite = false;
};

// Told of bytes written and of all bytes; throws to stop.
using ConvertWatcher = std::function<void(int64_t bytes, int64_t all)>;

// Throws engine::Error, and leaves what was there: an `out` that exists without `overwrite`, a
// model that the format has not, values that the type cannot hold.
void convert(const ConvertOptions& options, const ConvertWatcher& watcher, std::ostream& log);

// "5GB", "500MB", "2GiB" or a number of bytes.
int64_t parse_size(const std::string& text, const std::string& where);

int convert_command(int argc, const char* const* argv);

}  // namespace apps
