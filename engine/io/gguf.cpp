#include "engine/io/gguf.h"

#include <array>
#include <cstring>

#include "engine/base/error.h"
#include "engine/io/gguf_parse.h"

namespace engine {
namespace {

// One value as a T that holds it: int64_t or double.
template <class Raw>
Raw raw_at(const GgufValue& value, uint64_t i) {
  Raw raw;
  std::memcpy(&raw, value.data + i * sizeof(Raw), sizeof(Raw));
  return raw;
}

template <class T>
T number_at(const GgufValue& v, uint64_t i, const std::string& where) {
  switch (v.kind) {
    case GgufKind::u8:
      return static_cast<T>(raw_at<uint8_t>(v, i));
    case GgufKind::i8:
      return static_cast<T>(raw_at<int8_t>(v, i));
    case GgufKind::u16:
      return static_cast<T>(raw_at<uint16_t>(v, i));
    case GgufKind::i16:
      return static_cast<T>(raw_at<int16_t>(v, i));
    case GgufKind::u32:
      return static_cast<T>(raw_at<uint32_t>(v, i));
    case GgufKind::i32:
      return static_cast<T>(raw_at<int32_t>(v, i));
    case GgufKind::i64:
      return static_cast<T>(raw_at<int64_t>(v, i));
    case GgufKind::u64: {
      const auto wide = raw_at<uint64_t>(v, i);
      check(wide <= static_cast<uint64_t>(INT64_MAX), where, "is ", wide, ", which is too large");
      return static_cast<T>(wide);
    }
    case GgufKind::f32:
      if constexpr (std::is_same_v<T, double>) return static_cast<T>(raw_at<float>(v, i));
      break;
    case GgufKind::f64:
      if constexpr (std::is_same_v<T, double>) return static_cast<T>(raw_at<double>(v, i));
      break;
    default:
      break;
  }
  fail(where, "is of type ", gguf_kind_name(v.kind), ", and ",
       std::is_same_v<T, double> ? "a number" : "a whole number", " is needed");
}

template <class T>
std::vector<T> numbers_of(const GgufValue* value, const std::string& where) {
  std::vector<T> out;
  if (!value) return out;
  check(value->kind != GgufKind::text, where, "holds texts, and numbers are needed");
  out.reserve(value->count);
  for (uint64_t i = 0; i < value->count; ++i) out.push_back(number_at<T>(*value, i, where));
  return out;
}

}  // namespace

const char* gguf_kind_name(GgufKind kind) {
  constexpr std::array names = {"uint8",  "int8",    "uint16",  "int16",  "uint32",
                                "int32",  "float32", "boolean", "string", "array",
                                "uint64", "int64",   "float64"};
  const auto i = static_cast<size_t>(kind);
  return i < names.size() ? names[i] : "an unknown type";
}

Gguf Gguf::open(const std::filesystem::path& path) {
  Gguf out;
  out.file_ = MappedFile::open(path);
  GgufContents contents = parse_gguf(out.file_->bytes(), path.string());
  out.values_ = std::move(contents.values);
  out.tensors_ = std::move(contents.tensors);
  return out;
}

const GgufValue* Gguf::find(const std::string& key, bool array) const {
  const auto it = values_.find(key);
  if (it == values_.end()) return nullptr;
  check(it->second.array == array, where(key), array ? "is one value" : "is a list of values",
        " and ", array ? "a list is needed" : "one is needed");
  return &it->second;
}

std::optional<int64_t> Gguf::integer(const std::string& key) const {
  const GgufValue* value = find(key, false);
  if (!value) return std::nullopt;
  return number_at<int64_t>(*value, 0, where(key));
}

std::optional<double> Gguf::number(const std::string& key) const {
  const GgufValue* value = find(key, false);
  if (!value) return std::nullopt;
  return number_at<double>(*value, 0, where(key));
}

std::optional<bool> Gguf::flag(const std::string& key) const {
  const GgufValue* value = find(key, false);
  if (!value) return std::nullopt;
  check(value->kind == GgufKind::boolean, where(key), "is of type ", gguf_kind_name(value->kind),
        ", and true or false is needed");
  return raw_at<uint8_t>(*value, 0) != 0;
}

std::optional<std::string> Gguf::text(const std::string& key) const {
  const GgufValue* value = find(key, false);
  if (!value) return std::nullopt;
  check(value->kind == GgufKind::text, where(key), "is of type ", gguf_kind_name(value->kind),
        ", and a text is needed");
  return std::string(value->texts.front());
}

std::vector<std::string_view> Gguf::texts(const std::string& key) const {
  const GgufValue* value = find(key, true);
  if (!value) return {};
  check(value->kind == GgufKind::text || value->count == 0, where(key), "is a list of type ",
        gguf_kind_name(value->kind), ", and texts are needed");
  return value->texts;
}

std::vector<int64_t> Gguf::integers(const std::string& key) const {
  return numbers_of<int64_t>(find(key, true), where(key));
}

std::vector<double> Gguf::numbers(const std::string& key) const {
  return numbers_of<double>(find(key, true), where(key));
}

const GgufTensor& Gguf::at(const std::string& name) const {
  const auto it = tensors_.find(name);
  check(it != tensors_.end(), where(), "there is no tensor ", name,
        hint(tensors_.empty() ? "it holds no tensors at all"
                              : concat("it holds ", tensors_.size(), ", the first is ",
                                       tensors_.begin()->first.substr(0, 200))));
  return it->second;
}

SafeTensor Gguf::tensor(const std::string& name) const {
  const GgufTensor& t = at(name);
  if (is_quantised(t.type)) return tensor(name, [](int64_t row) { return row; });
  SafeTensor out;
  out.name = t.name;
  out.dtype = ggml_dtype(t.type);
  out.dims = t.dims;
  out.data = t.data;
  out.bytes = t.bytes;
  out.file = file_;
  return out;
}

SafeTensor Gguf::tensor(const std::string& name, std::function<int64_t(int64_t)> place) const {
  const GgufTensor& t = at(name);
  SafeTensor out;
  out.name = t.name;
  out.dtype = ggml_dtype(t.type);
  out.dims = t.dims;
  out.bytes =
      t.bytes / ggml_block_bytes(t.type) * ggml_block_values(t.type) * dtype_bytes(out.dtype);
  out.file = file_;
  check(out.is_float(), out.where(), "is ", ggml_type_name(t.type),
        "; floating-point values are needed here");
  EncodedRows rows;
  rows.type = ggml_type_name(t.type);
  // A quantised vector is one row, as blocks cannot be cut.
  rows.width = t.dims.size() == 1 && !is_quantised(t.type) ? 1 : t.dims.back();
  const int64_t row_bytes = rows.width / ggml_block_values(t.type) * ggml_block_bytes(t.type);
  rows.read = [type = t.type, data = t.data, width = rows.width, row_bytes,
               place = std::move(place)](int64_t row, float* to) {
    dequantise(type, data + place(row) * row_bytes, width, to);
  };
  out.rows = std::make_shared<const EncodedRows>(std::move(rows));
  return out;
}

}  // namespace engine
