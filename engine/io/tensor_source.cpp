#include "engine/io/tensor_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "engine/base/error.h"
#include "engine/tensor/bfloat16.h"

namespace engine {
namespace {

constexpr int64_t kPartValues = int64_t{1} << 20;

struct DTypePair {
  DType dtype;
  GgmlType type;
};
constexpr DTypePair kSameTypes[] = {{DType::F32, GgmlType::F32},   {DType::F16, GgmlType::F16},
                                    {DType::BF16, GgmlType::BF16}, {DType::F64, GgmlType::F64},
                                    {DType::I8, GgmlType::I8},     {DType::I16, GgmlType::I16},
                                    {DType::I32, GgmlType::I32},   {DType::I64, GgmlType::I64}};

// Encodes `n` values behind one another; says how many could not be.
int64_t encode(const Scalar* values, int64_t n, GgmlType to, std::byte* out) {
  const auto each = [&]<class Raw>(auto convert, Raw) {
    for (int64_t i = 0; i < n; ++i) {
      const Raw raw = convert(values[i]);
      std::memcpy(out + i * static_cast<int64_t>(sizeof(Raw)), &raw, sizeof(Raw));
    }
  };
  int64_t lost = 0;
  switch (to) {
    case GgmlType::F32:
      each([](Scalar x) { return static_cast<float>(x); }, float{});
      break;
    case GgmlType::F64:
      each([](Scalar x) { return static_cast<double>(x); }, double{});
      break;
    case GgmlType::BF16:
      each([](Scalar x) { return narrowed(static_cast<float>(x)); }, BFloat16{});
      break;
    case GgmlType::F16:
      each(
          [&](Scalar x) {
            const uint16_t half = float_to_half(static_cast<float>(x));
            lost += (half & 0x7FFF) == 0x7C00 && std::isfinite(x);
            return half;
          },
          uint16_t{});
      break;
    default: {  // Q8_0
      std::vector<float> narrow(values, values + n);
      lost = std::count_if(narrow.begin(), narrow.end(), [](float x) { return !std::isfinite(x); });
      if (lost == 0) quantise_q8_0(narrow.data(), n, out);
    }
  }
  return lost;
}

// Width of a row for `place`, as EncodedRows has it.
int64_t row_of(const TensorSource& source) {
  return source.place && source.from.dims.size() == 1 ? 1 : source.from.row_width();
}

}  // namespace

GgmlType ggml_type_of(const SafeTensor& tensor) {
  for (const DTypePair& pair : kSameTypes)
    if (pair.dtype == tensor.dtype) return pair.type;
  fail(tensor.where(), "is ", dtype_name(tensor.dtype), ", which GGUF files do not have");
}

bool copies_bytes(const TensorSource& source, GgmlType to) {
  if (source.from.rows) return false;
  for (const DTypePair& pair : kSameTypes)
    if (pair.dtype == source.from.dtype) return pair.type == to;
  return false;
}

int64_t written_bytes(const TensorSource& source, GgmlType to) {
  return source.from.count() / ggml_block_values(to) * ggml_block_bytes(to);
}

void write_values(AtomicFile& file, const TensorSource& source, GgmlType to,
                  const std::function<void(int64_t)>& done) {
  const SafeTensor& from = source.from;
  const int64_t width = row_of(source);
  if (from.count() == 0) return;
  const int64_t rows = from.count() / width, part = std::max<int64_t>(1, kPartValues / width);
  const int64_t out_bytes = width * ggml_block_bytes(to) / ggml_block_values(to);
  const bool copies = copies_bytes(source, to);
  std::vector<Scalar> values(copies ? 0 : static_cast<size_t>(std::min(rows, part) * width));
  std::vector<std::byte> bytes(copies ? 0 : static_cast<size_t>(std::min(rows, part) * out_bytes));
  SafeTensor by_rows = from;
  if (width == 1) by_rows.dims = {rows, 1};  // a vector's values, one by one
  for (int64_t first = 0; first < rows; first += part) {
    const int64_t last = std::min(rows, first + part);
    if (copies && !source.place) {
      file.write(from.data + first * out_bytes, static_cast<size_t>((last - first) * out_bytes));
    } else if (copies) {
      for (int64_t r = first; r < last; ++r)
        file.write(from.data + source.place(r) * out_bytes, static_cast<size_t>(out_bytes));
    } else {
      if (!source.place) from.read_rows(first, last, values.data());
      for (int64_t r = first; source.place && r < last; ++r) {
        const int64_t place = source.place(r);
        by_rows.read_rows(place, place + 1, values.data() + (r - first) * width);
      }
      const int64_t n = (last - first) * width;
      const int64_t lost = encode(values.data(), n, to, bytes.data());
      check(lost == 0, from.where(), lost,
            to == GgmlType::F16 ? " values are too large for F16" : " values are no finite numbers",
            hint("another --dtype can hold them: bf16 or f32"));
      file.write(bytes.data(), static_cast<size_t>(n / width * out_bytes));
    }
    if (done) done((last - first) * out_bytes);
  }
}

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorSource>& tensors,
                       const std::vector<DType>& dtypes, const Metadata& metadata,
                       const std::function<void(int64_t)>& done) {
  std::vector<TensorInfo> infos;
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < tensors.size(); ++i) {
    infos.push_back({tensors[i].name, dtypes[i], tensors[i].from.dims});
    check(places.emplace(tensors[i].name, i).second, path.string(), "two tensors are named ",
          tensors[i].name);
  }
  const std::string header = safetensors_header(infos, metadata, path.string());  // sorts them
  AtomicFile file(path);
  file.write(header);
  constexpr int64_t kPartBytes = int64_t{4} << 20;
  for (const TensorInfo& info : infos) {
    const TensorSource& source = tensors[places.at(info.name)];
    const SafeTensor& from = source.from;
    if (from.rows || source.place || from.dtype != info.dtype) {
      SafeTensor as;  // for its type alone
      as.dtype = info.dtype;
      check(from.is_float() && as.is_float(), from.where(), "is ", from.type_name(),
            ", and cannot become ", dtype_name(info.dtype));
      write_values(file, source, ggml_type_of(as), done);
      continue;
    }
    for (int64_t at = 0; at < from.bytes; at += kPartBytes) {
      const int64_t n = std::min(kPartBytes, from.bytes - at);
      file.write(from.data + at, static_cast<size_t>(n));
      if (done) done(n);
    }
  }
  file.commit();
}

}  // namespace engine
