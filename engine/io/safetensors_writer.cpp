#include <algorithm>
#include <cstring>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"

namespace engine {
namespace {

int64_t count_of(const std::vector<int64_t>& dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return n;
}

// Element i of the file, wherever it is in memory.
Scalar element(const TensorToSave& t, int64_t i) {
  if (!t.transpose) return t.data[i];
  const int64_t rows = t.dims[0], cols = t.dims[1];
  return t.data[(i % cols) * rows + i / cols];
}

template <class Raw, class Convert>
void write_as(AtomicFile& file, const TensorToSave& t, Convert convert) {
  constexpr int64_t kPart = 16 * 1024;
  std::vector<Raw> part;
  const int64_t n = count_of(t.dims);
  for (int64_t begin = 0; begin < n; begin += kPart) {
    part.clear();
    for (int64_t i = begin; i < std::min(n, begin + kPart); ++i)
      part.push_back(convert(element(t, i)));
    file.write(part.data(), part.size() * sizeof(Raw));
  }
}

void write_values(AtomicFile& file, const TensorToSave& t) {
  switch (t.dtype) {
    case DType::F32:
      return write_as<float>(file, t, [](Scalar x) { return static_cast<float>(x); });
    case DType::F64:
      return write_as<double>(file, t, [](Scalar x) { return static_cast<double>(x); });
    case DType::F16:
      return write_as<uint16_t>(file, t,
                                [](Scalar x) { return float_to_half(static_cast<float>(x)); });
    case DType::BF16:
      return write_as<BFloat16>(file, t, [](Scalar x) { return narrowed(static_cast<float>(x)); });
    default:
      fail("safetensors", "tensor ", t.name, " cannot be written as ", dtype_name(t.dtype),
           hint("F32, F16, BF16 or F64"));
  }
}

// The library's order: wide types first, so that everything is aligned, then by name.
template <class T>
void sort_as_written(std::vector<T>& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const T& a, const T& b) {
    return a.dtype != b.dtype ? a.dtype > b.dtype : a.name < b.name;
  });
}

}  // namespace

std::string safetensors_header(std::vector<TensorInfo>& tensors, const Metadata& metadata,
                               const std::string& where) {
  sort_as_written(tensors);
  std::string text = "{";
  if (!metadata.empty()) text += "\"__metadata__\":" + json_text(Json(metadata));
  int64_t offset = 0;
  for (const TensorInfo& t : tensors) {
    check(t.name != "__metadata__", where, "a tensor cannot be named __metadata__");
    const int64_t end = offset + count_of(t.dims) * dtype_bytes(t.dtype);
    if (text.size() > 1) text += ",";
    text += json_text(Json(t.name)) + ":{\"dtype\":\"" + dtype_name(t.dtype) +
            "\",\"shape\":" + json_text(Json(t.dims));
    text += concat(",\"data_offsets\":[", offset, ",", end, "]}");
    offset = end;
  }
  text.push_back('}');
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + text;
}

void write_safetensors(const std::filesystem::path& path, std::vector<TensorToSave> tensors,
                       const Metadata& metadata) {
  sort_as_written(tensors);
  std::vector<std::string> names;
  std::vector<TensorInfo> infos;
  for (const TensorToSave& t : tensors) {
    check(t.data || count_of(t.dims) == 0, path.string(), "tensor ", t.name,
          " has no values to write");
    check(!t.transpose || t.dims.size() == 2, path.string(), "tensor ", t.name, " ",
          dims_text(t.dims), " cannot be transposed");
    names.push_back(t.name);
    infos.push_back({t.name, t.dtype, t.dims});
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  check(twice == names.end(), path.string(), "two tensors are named ",
        twice == names.end() ? "" : *twice);

  AtomicFile file(path);
  file.write(safetensors_header(infos, metadata, path.string()));
  for (const TensorToSave& t : tensors) write_values(file, t);
  file.commit();
}

}  // namespace engine
