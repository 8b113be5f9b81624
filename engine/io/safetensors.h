// The safetensors format: 8 bytes of header length (little-endian), a JSON header, then the
// tensors' bytes.
//
//   {"__metadata__":{"format":"pt"},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}
//
// Offsets count from the end of the header; tensors follow one another without gaps or overlaps.
// Nothing in a file is believed: every length, offset, shape and name is checked, and whatever is
// wrong is one engine::Error that names the file and the tensor. Source: huggingface/safetensors,
// safetensors/src/tensor.rs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/dtype.h"
#include "engine/io/mapped_file.h"
#include "engine/tensor/bfloat16.h"

namespace engine {

using Metadata = std::map<std::string, std::string>;

// How values are read that the file does not hold one behind another: in quantised blocks, or in
// another order of rows.
struct EncodedRows {
  std::string type;                                   // of the values in the file: "Q4_K"
  int64_t width = 0;                                  // values of a row
  std::function<void(int64_t row, float* out)> read;  // from any thread; never throws
};

// One tensor of a file, alive as long as the mapping is.
struct SafeTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> dims;
  const std::byte* data = nullptr;  // may be unaligned in files of other writers
  int64_t bytes = 0;
  std::shared_ptr<const MappedFile> file;
  std::shared_ptr<const void> copy;  // keeps `data` where it is not in the file as it is here
  // If set, `data` is null: values come from here. `dtype` and `bytes` are of what they become.
  std::shared_ptr<const EncodedRows> rows = nullptr;

  int64_t count() const { return bytes / dtype_bytes(dtype); }
  std::string where()
      const;  // "model.safetensors: tensor bert.pooler.dense.weight", to open messages with

  bool is_float() const;  // F64, F32, F16 or BF16
  // Values as scalars; `out` has room for count(). Throws unless is_float().
  void read(Scalar* out) const;
  // The same, a (rows, cols) matrix read as its transpose, (cols, rows).
  void read_transposed(Scalar* out) const;
  // Values of rows [first, last); a row has row_width() values, as the last dimension says.
  void read_rows(int64_t first, int64_t last, Scalar* out) const;
  int64_t row_width() const;
  std::string type_name() const;  // in the file: "Q4_K", or as dtype_name
  // Whole numbers of any integer dtype (and BOOL). Throws for floats and for U64 above INT64_MAX.
  std::vector<int64_t> read_integers() const;
  // The bytes as an array of Scalar, or null if the dtype or the alignment is another.
  const Scalar* as_scalars() const;
  // The same of BF16 values; null for another dtype.
  const BFloat16* as_bfloat16() const;
};

class Safetensors {
 public:
  static Safetensors open(const std::filesystem::path& path);

  const SafeTensor* find(const std::string& name) const;  // null if there is none
  const SafeTensor& at(const std::string& name) const;    // throws, naming the file
  const std::map<std::string, SafeTensor>& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, SafeTensor> tensors_;
  Metadata metadata_;
};

// A matrix or vector of scalars to be written.
struct TensorToSave {
  std::string name;
  std::vector<int64_t> dims;  // as in the file
  // Row-major by `dims`, or with `transpose` a (dims[1], dims[0]) matrix.
  const Scalar* data = nullptr;
  DType dtype = DType::F32;  // F64, F32, F16 or BF16
  bool transpose = false;
};

// What opens a file: the 8 bytes of length and the padded JSON. The tensors are put in the order in
// which they must follow.
struct TensorInfo {
  std::string name;
  DType dtype;
  std::vector<int64_t> dims;
};
std::string safetensors_header(std::vector<TensorInfo>& tensors, const Metadata& metadata,
                               const std::string& where);

// Written like the Hugging Face library does (wide dtypes first, then by name; header padded with
// spaces to 8 bytes), so the same input gives the same bytes. Atomic: on any error the older file
// stays as it is. Values too large for F16 become infinite, as in torch. Throws for names that are
// there twice.
void write_safetensors(const std::filesystem::path& path, std::vector<TensorToSave> tensors,
                       const Metadata& metadata);

}  // namespace engine
