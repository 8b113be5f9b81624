// GGUF files, as llama.cpp and its kin write them: key-value metadata, then tensors that stay in
// the mapped file.
//
//   const Gguf file = Gguf::open("model.gguf");
//   const auto layers = file.integer("llama.block_count");       // nullopt if it is not there
//   file.tensor("blk.0.attn_q.weight").read(values);             // dequantised
//
// Nothing in a file is believed: counts, lengths, offsets and dimensions are held against the
// file's size before memory is taken. Errors are engine::Error that name the file and the key or
// tensor. Source: docs/gguf.md in ggml, versions 2 and 3.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/ggml_types.h"
#include "engine/io/mapped_file.h"
#include "engine/io/safetensors.h"

namespace engine {

// The types of metadata, by their numbers in a file.
enum class GgufKind : uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  text,
  array,
  u64,
  i64,
  f64
};

const char* gguf_kind_name(GgufKind kind);

struct GgufValue {
  GgufKind kind = GgufKind::u8;  // of an array: of its items
  bool array = false;
  uint64_t count = 1;
  const std::byte* data = nullptr;      // `count` values of a fixed size, unaligned
  std::vector<std::string_view> texts;  // or texts, in the file
};

struct GgufTensor {
  std::string name;
  GgmlType type = GgmlType::F32;
  std::vector<int64_t> dims;  // outermost first, as in safetensors; the file has them reversed
  const std::byte* data = nullptr;
  int64_t bytes = 0;
};

class Gguf {
 public:
  static Gguf open(const std::filesystem::path& path);
  // Whether it is a file that begins as one, whatever its name.
  static bool is_one(const std::filesystem::path& path);

  // Metadata; nullopt or empty if there is no such key. Throws for a value of another kind, and for
  // an array where one value is asked for.
  bool has(const std::string& key) const { return values_.contains(key); }
  std::optional<int64_t> integer(const std::string& key) const;
  std::optional<double> number(const std::string& key) const;  // a whole number, too
  std::optional<bool> flag(const std::string& key) const;
  std::optional<std::string> text(const std::string& key) const;
  std::vector<std::string_view> texts(const std::string& key) const;  // alive as this object is
  std::vector<int64_t> integers(const std::string& key) const;
  std::vector<double> numbers(const std::string& key) const;
  const std::map<std::string, GgufValue>& values() const { return values_; }

  const std::map<std::string, GgufTensor>& tensors() const { return tensors_; }
  // A tensor as those of other files: plain types in the file, quantised ones as F32. Throws if
  // there is none.
  SafeTensor tensor(const std::string& name) const;
  // With row i taken from the file's row place(i); a vector's values are its rows. `place` stays
  // within the rows.
  SafeTensor tensor(const std::string& name, std::function<int64_t(int64_t)> place) const;

  std::string where() const { return file_->path().string(); }
  std::string where(const std::string& key) const { return where() + ": " + key; }
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  const GgufValue* find(const std::string& key, bool array) const;
  const GgufTensor& at(const std::string& name) const;

  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, GgufValue> values_;
  std::map<std::string, GgufTensor> tensors_;
};

}  // namespace engine
