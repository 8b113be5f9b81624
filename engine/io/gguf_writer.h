// Writes GGUF files, version 3, as llama.cpp's gguf-py does: the same order of metadata and tensors
// as they were added, everything aligned to 32 bytes.
//
//   GgufWriter file;
//   file.add("general.architecture", "llama");
//   file.add("llama.block_count", uint32_t{30});
//   file.add(TensorSource{...}, GgmlType::F16);
//   file.write("model.gguf");
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/tensor_source.h"

namespace engine {

class GgufWriter {
 public:
  void add(const std::string& key, std::string_view value);
  void add(const std::string& key, const char* value) { add(key, std::string_view(value)); }
  void add(const std::string& key, uint32_t value);
  void add(const std::string& key, float value);
  void add(const std::string& key, bool value);
  void add(const std::string& key, const std::vector<std::string>& values);
  void add(const std::string& key, const std::vector<int32_t>& values);
  void add(const std::string& key, const std::vector<float>& values);

  // A tensor's values are read when the file is written. Throws for a row that is not made of whole
  // blocks, for a name that is there twice or longer than ggml's, for more than 4 dimensions.
  void add(TensorSource tensor, GgmlType type);

  int64_t bytes() const;  // of the tensors' values
  // Atomic: an error leaves an older file untouched. `done` is told of bytes written.
  void write(const std::filesystem::path& path,
             const std::function<void(int64_t)>& done = {}) const;

 private:
  struct Entry {
    TensorSource tensor;
    GgmlType type;
  };
  void open(const std::string& key, uint32_t kind);
  template <class T>
  void append(T value);
  void append_text(std::string_view text);

  std::string metadata_;
  uint64_t values_ = 0;
  std::set<std::string> names_;
  std::vector<Entry> tensors_;
};

}  // namespace engine
