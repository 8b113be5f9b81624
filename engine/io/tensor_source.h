// A tensor on its way from one file to another, a part at a time: no more than a few megabytes of
// it are in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/atomic_file.h"
#include "engine/io/ggml_types.h"
#include "engine/io/safetensors.h"

namespace engine {

struct TensorSource {
  std::string name;  // in the new file
  SafeTensor from;
  // Row i is `from`'s row place(i); a vector's values are its rows. Empty: as they are.
  std::function<int64_t(int64_t)> place = {};
};

// Whether the bytes in the file can be copied as they are.
bool copies_bytes(const TensorSource& source, GgmlType to);
// Writes the values as `to`: a floating-point type, Q8_0, or what they are. `done` is told of bytes
// written. Throws for finite values that are too large for F16, and for Q8_0 of what is not finite.
void write_values(AtomicFile& file, const TensorSource& source, GgmlType to,
                  const std::function<void(int64_t)>& done = {});
// The bytes that it writes.
int64_t written_bytes(const TensorSource& source, GgmlType to);

// As write_safetensors (safetensors.h), a part at a time; tensor i as dtypes[i]. What is no float
// stays what it is.
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorSource>& tensors,
                       const std::vector<DType>& dtypes, const Metadata& metadata,
                       const std::function<void(int64_t)>& done = {});

// The plain type in GGUF; throws for types that GGUF has not.
GgmlType ggml_type_of(const SafeTensor& tensor);

}  // namespace engine
