#include "engine/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/io/json_parse.h"
#include "engine/tensor/parallel.h"

namespace engine {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors files are little-endian, and so must we be");

using HeaderJson = nlohmann::json;  // a sorted map: headers may have thousands of keys

constexpr uint64_t kLongestHeader = 100'000'000;  // the library's own limit

// Names come from the file, so they may be long.
std::string shown(const std::string& name) {
  return name.size() <= 200 ? name : name.substr(0, 200) + "...";
}

// What people have instead of the file they wanted.
void check_impostors(const MappedFile& file, const std::string& where) {
  const auto begins = [&](std::string_view with) {
    return file.size() >= with.size() && std::memcmp(file.data(), with.data(), with.size()) == 0;
  };
  check(!begins("version https://git-lfs"), where, "is a Git LFS pointer, not the file itself",
        hint("run: git lfs pull"));
  check(!begins("<!DOCTYPE") && !begins("<html"), where, "is a web page, not a safetensors file",
        hint("the download was redirected; download the file again"));
  check(!begins("PK\x03\x04"), where, "is a PyTorch (zip) file, not a safetensors file",
        hint("convert it with safetensors.torch.save_file"));
}

std::vector<int64_t> parse_dims(const HeaderJson& shape, const std::string& where) {
  check(shape.is_array(), where, "\"shape\" is not an array");
  std::vector<int64_t> dims;
  for (const HeaderJson& n : shape) {
    check(n.is_number_unsigned() && n.get<uint64_t>() <= uint64_t{1} << 62, where,
          "\"shape\" has an entry that is not a sensible size");
    dims.push_back(n.get<int64_t>());
  }
  // Also of a shape with a zero in it, whose other dimensions are not held against the bytes.
  int64_t elements = 8;
  bool overflow = false;
  for (const int64_t d : dims)
    if (d > 0) overflow |= __builtin_mul_overflow(elements, d, &elements);
  check(!overflow, where, "its shape ", shown(dims_text(dims)), " is not a sensible size");
  return dims;
}

SafeTensor parse_tensor(const std::string& name, const HeaderJson& entry,
                        std::span<const std::byte> data,
                        const std::shared_ptr<const MappedFile>& file) {
  const std::string where = concat(file->path().string(), ": tensor ", shown(name));
  check(entry.is_object(), where, "its description is not an object");
  for (const char* key : {"dtype", "shape", "data_offsets"})
    check(entry.contains(key), where, "\"", key, "\" is missing from its description");

  SafeTensor tensor;
  tensor.name = name;
  tensor.file = file;
  const HeaderJson& dtype = entry["dtype"];
  check(dtype.is_string(), where, "\"dtype\" is not a string");
  check(find_dtype(dtype.get_ref<const std::string&>(), &tensor.dtype), where, "its dtype '",
        shown(dtype.get_ref<const std::string&>()), "' is not known");
  tensor.dims = parse_dims(entry["shape"], where);

  const HeaderJson& offsets = entry["data_offsets"];
  check(offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() &&
            offsets[1].is_number_unsigned(),
        where, "\"data_offsets\" is not a pair of whole numbers");
  const auto begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  check(begin <= end, where, "its data ends at ", end, " before it begins at ", begin);
  check(end <= data.size(), where, "its data ends at byte ", end, ", but the file has only ",
        data.size(), " bytes of data", hint("the file is cut short: download it again"));

  const bool empty = std::find(tensor.dims.begin(), tensor.dims.end(), 0) != tensor.dims.end();
  int64_t bytes = empty ? 0 : dtype_bytes(tensor.dtype);
  bool overflow = false;
  for (const int64_t n : tensor.dims) overflow |= __builtin_mul_overflow(bytes, n, &bytes);
  check(!overflow && static_cast<uint64_t>(bytes) == end - begin, where, "its shape ",
        shown(dims_text(tensor.dims)), " of ", dtype_name(tensor.dtype), " does not fit its ",
        end - begin, " bytes");
  tensor.data = data.data() + begin;
  tensor.bytes = bytes;
  return tensor;
}

// Tensors must tile the data: an overlap would let one name change with another, a gap could hide
// anything.
void check_tiling(const std::map<std::string, SafeTensor>& tensors, std::span<const std::byte> data,
                  const std::string& where) {
  std::vector<const SafeTensor*> order;
  for (const auto& [name, tensor] : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const SafeTensor* a, const SafeTensor* b) {
    return a->data != b->data ? a->data < b->data : a->bytes < b->bytes;
  });
  const std::byte* expected = data.data();
  const SafeTensor* previous = nullptr;
  for (const SafeTensor* tensor : order) {
    check(tensor->data >= expected, where, "tensor ", shown(tensor->name), " overlaps tensor ",
          previous ? shown(previous->name) : "");
    check(tensor->data == expected, where, "there is a gap of ", tensor->data - expected,
          " bytes before tensor ", shown(tensor->name));
    expected = tensor->data + tensor->bytes;
    previous = tensor;
  }
  const auto rest = data.data() + data.size() - expected;
  check(rest == 0, where, rest, " bytes at the end belong to no tensor");
}

// Calls use(get) with get(i) -> Scalar, element i.
template <class F>
void with_elements(const SafeTensor& t, F&& use) {
  const auto element = [&]<class Raw>(Raw, auto convert) {
    use([data = t.data, convert](int64_t i) {
      Raw raw;
      std::memcpy(&raw, data + i * static_cast<int64_t>(sizeof(Raw)),
                  sizeof(Raw));  // the file may not be aligned
      return static_cast<Scalar>(convert(raw));
    });
  };
  switch (t.dtype) {
    case DType::F32:
      return element(float{}, [](float x) { return x; });
    case DType::F64:
      return element(double{}, [](double x) { return x; });
    case DType::F16:
      return element(uint16_t{}, half_to_float);
    case DType::BF16:
      return element(BFloat16{}, widened);
    default:
      fail(t.where(), "is ", dtype_name(t.dtype),
           "; floating-point values (F32, F16, BF16, F64) are needed here");
  }
}

template <class T>
void append_integers(const SafeTensor& t, std::vector<int64_t>& out) {
  for (int64_t i = 0; i < t.count(); ++i) {
    T raw;
    std::memcpy(&raw, t.data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    if constexpr (std::is_same_v<T, uint64_t>)
      check(raw <= static_cast<uint64_t>(INT64_MAX), t.where(), "holds ", raw,
            ", which is too large");
    out.push_back(static_cast<int64_t>(raw));
  }
}

}  // namespace

Safetensors Safetensors::open(const std::filesystem::path& path) {
  Safetensors result;
  result.file_ = MappedFile::open(path);
  const MappedFile& file = *result.file_;
  const std::string where = path.string();
  check_impostors(file, where);
  check(file.size() >= 8, where, "has ", file.size(), " bytes and is no safetensors file",
        hint("an empty or cut file: download it again"));
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  check(length <= kLongestHeader, where, "claims a header of ", length,
        " bytes and is no safetensors file");
  check(length <= file.size() - 8, where, "claims a header of ", length, " bytes but has only ",
        file.size() - 8, " after its length", hint("the file is cut short: download it again"));
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, length);
  const auto header = json_detail::parse_unique<HeaderJson>(text, where + ": header");
  check(header.is_object(), where, "its header is not an object");

  const std::span<const std::byte> data = file.bytes().subspan(8 + length);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      check(entry.is_object(), where, "__metadata__ is not an object");
      for (const auto& [key, value] : entry.items()) {
        check(value.is_string(), where, "__metadata__: \"", shown(key), "\" is not a string");
        result.metadata_.emplace(key, value.get<std::string>());
      }
      continue;
    }
    result.tensors_.emplace(name, parse_tensor(name, entry, data, result.file_));
  }
  check_tiling(result.tensors_, data, where);
  return result;
}

const SafeTensor* Safetensors::find(const std::string& name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

const SafeTensor& Safetensors::at(const std::string& name) const {
  const SafeTensor* found = find(name);
  if (found) return *found;
  fail(file_->path().string(), "there is no tensor ", name,
       hint(tensors_.empty() ? "the file is empty"
                             : concat("it holds ", tensors_.size(), ", the first is ",
                                      shown(tensors_.begin()->first))));
}

std::string SafeTensor::where() const {
  return concat(file ? file->path().string() : "?", ": tensor ", shown(name));
}

bool SafeTensor::is_float() const {
  return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16 || dtype == DType::F64;
}

void SafeTensor::read(Scalar* out) const {
  const int64_t width = row_width();
  read_rows(0, width == 0 ? 0 : count() / width, out);
}

int64_t SafeTensor::row_width() const {
  if (rows) return rows->width;
  return dims.empty() ? 1 : dims.back();
}

std::string SafeTensor::type_name() const { return rows ? rows->type : dtype_name(dtype); }

void SafeTensor::read_rows(int64_t first, int64_t last, Scalar* out) const {
  const int64_t width = row_width(), skipped = first * width;
  if (rows) {
    const auto read_one = [&]<class S>(int64_t row, S* to) {
      if constexpr (std::is_same_v<S, float>) {
        rows->read(row, to);
      } else {
        std::vector<float> narrow(static_cast<size_t>(width));
        rows->read(row, narrow.data());
        std::copy(narrow.begin(), narrow.end(), to);
      }
    };
    parallel_for(last - first, width, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) read_one(first + r, out + r * width);
    });
    return;
  }
  with_elements(*this, [&](auto get) {
    parallel_for((last - first) * width, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = get(skipped + i);
    });
  });
}

void SafeTensor::read_transposed(Scalar* out) const {
  check(dims.size() == 2, where(), "has the shape ", dims_text(dims), " and cannot be transposed");
  const int64_t height = dims[0], cols = dims[1];
  constexpr int64_t kTile = 64;  // reads and writes both stay in the cache
  const auto transpose = [&](auto get) {
    parallel_for((cols + kTile - 1) / kTile, height * kTile, [&](int64_t first, int64_t last) {
      for (int64_t r0 = 0; r0 < height; r0 += kTile)
        for (int64_t c = first * kTile; c < std::min(cols, last * kTile); ++c)
          for (int64_t r = r0; r < std::min(height, r0 + kTile); ++r)
            out[c * height + r] = get(r * cols + c);
    });
  };
  if (!rows) return with_elements(*this, transpose);
  std::vector<Scalar> plain(static_cast<size_t>(count()));
  read(plain.data());
  transpose([&](int64_t i) { return plain[static_cast<size_t>(i)]; });
}

std::vector<int64_t> SafeTensor::read_integers() const {
  std::vector<int64_t> out;
  out.reserve(static_cast<size_t>(count()));
  switch (dtype) {
    case DType::BOOL:
    case DType::U8:
      append_integers<uint8_t>(*this, out);
      break;
    case DType::I8:
      append_integers<int8_t>(*this, out);
      break;
    case DType::I16:
      append_integers<int16_t>(*this, out);
      break;
    case DType::U16:
      append_integers<uint16_t>(*this, out);
      break;
    case DType::I32:
      append_integers<int32_t>(*this, out);
      break;
    case DType::U32:
      append_integers<uint32_t>(*this, out);
      break;
    case DType::I64:
      append_integers<int64_t>(*this, out);
      break;
    case DType::U64:
      append_integers<uint64_t>(*this, out);
      break;
    default:
      fail(where(), "is ", dtype_name(dtype), "; whole numbers are needed here");
  }
  return out;
}

const Scalar* SafeTensor::as_scalars() const {
  const bool same = dtype == (sizeof(Scalar) == 4 ? DType::F32 : DType::F64);
  if (!same || reinterpret_cast<uintptr_t>(data) % alignof(Scalar) != 0) return nullptr;
  return reinterpret_cast<const Scalar*>(data);
}

const BFloat16* SafeTensor::as_bfloat16() const {
  if (dtype != DType::BF16 || reinterpret_cast<uintptr_t>(data) % alignof(BFloat16) != 0)
    return nullptr;
  return reinterpret_cast<const BFloat16*>(data);
}

}  // namespace engine
