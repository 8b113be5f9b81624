#include "engine/io/gguf_writer.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/io/gguf.h"

namespace engine {
namespace {

constexpr int64_t kWrittenAlignment = 32;
constexpr size_t kLongestName = 63;  // GGML_MAX_NAME, with its zero at the end

int64_t padding(int64_t bytes) {
  return (kWrittenAlignment - bytes % kWrittenAlignment) % kWrittenAlignment;
}

template <class T>
void append_raw(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

uint32_t number_of(GgufKind kind) { return static_cast<uint32_t>(kind); }

}  // namespace

template <class T>
void GgufWriter::append(T value) {
  append_raw(metadata_, value);
}

void GgufWriter::append_text(std::string_view text) {
  append(static_cast<uint64_t>(text.size()));
  metadata_ += text;
}

void GgufWriter::open(const std::string& key, uint32_t kind) {
  check(names_.insert("key " + key).second, "GGUF", "the key ", key, " is there twice");
  append_text(key);
  append(kind);
  ++values_;
}

void GgufWriter::add(const std::string& key, std::string_view value) {
  open(key, number_of(GgufKind::text));
  append_text(value);
}
void GgufWriter::add(const std::string& key, uint32_t value) {
  open(key, number_of(GgufKind::u32));
  append(value);
}
void GgufWriter::add(const std::string& key, float value) {
  open(key, number_of(GgufKind::f32));
  append(value);
}
void GgufWriter::add(const std::string& key, bool value) {
  open(key, number_of(GgufKind::boolean));
  append(static_cast<uint8_t>(value));
}
void GgufWriter::add(const std::string& key, const std::vector<std::string>& values) {
  open(key, number_of(GgufKind::array));
  append(number_of(GgufKind::text));
  append(static_cast<uint64_t>(values.size()));
  for (const std::string& value : values) append_text(value);
}
void GgufWriter::add(const std::string& key, const std::vector<int32_t>& values) {
  open(key, number_of(GgufKind::array));
  append(number_of(GgufKind::i32));
  append(static_cast<uint64_t>(values.size()));
  for (const int32_t value : values) append(value);
}
void GgufWriter::add(const std::string& key, const std::vector<float>& values) {
  open(key, number_of(GgufKind::array));
  append(number_of(GgufKind::f32));
  append(static_cast<uint64_t>(values.size()));
  for (const float value : values) append(value);
}

void GgufWriter::add(TensorSource tensor, GgmlType type) {
  const auto& dims = tensor.from.dims;
  const std::string where = "GGUF: tensor " + tensor.name;
  check(names_.insert("tensor " + tensor.name).second, where, "is there twice");
  check(!tensor.name.empty() && tensor.name.size() <= kLongestName, where, "its name has ",
        tensor.name.size(), " bytes, ggml's have at most ", kLongestName);
  check(dims.size() <= 4, where, "has the shape ", dims_text(dims), ", ggml has 4 dimensions");
  check(!is_quantised(type) || type == GgmlType::Q8_0, where, "cannot be written as ",
        ggml_type_name(type), hint("F32, F16, BF16 and Q8_0 can"));
  check(tensor.from.is_float() || copies_bytes(tensor, type), where, "is ", tensor.from.type_name(),
        ", and cannot become ", ggml_type_name(type));
  check(dims.empty() || dims.back() % ggml_block_values(type) == 0, where, "has rows of ",
        dims.empty() ? 1 : dims.back(), " values, and blocks of ", ggml_type_name(type), " have ",
        ggml_block_values(type));
  tensors_.push_back({std::move(tensor), type});
}

int64_t GgufWriter::bytes() const {
  int64_t total = 0;
  for (const Entry& e : tensors_) total += written_bytes(e.tensor, e.type);
  return total;
}

void GgufWriter::write(const std::filesystem::path& path,
                       const std::function<void(int64_t)>& done) const {
  std::string head = "GGUF";
  append_raw(head, uint32_t{3});
  append_raw(head, static_cast<uint64_t>(tensors_.size()));
  append_raw(head, values_);
  head += metadata_;
  int64_t offset = 0;
  for (const Entry& e : tensors_) {
    append_raw(head, static_cast<uint64_t>(e.tensor.name.size()));
    head += e.tensor.name;
    std::vector<int64_t> dims = e.tensor.from.dims;
    if (dims.empty()) dims = {1};
    append_raw(head, static_cast<uint32_t>(dims.size()));
    for (auto d = dims.rbegin(); d != dims.rend(); ++d) append_raw(head, static_cast<uint64_t>(*d));
    append_raw(head, static_cast<uint32_t>(e.type));
    append_raw(head, static_cast<uint64_t>(offset));
    const int64_t bytes = written_bytes(e.tensor, e.type);
    offset += bytes + padding(bytes);
  }
  head.append(static_cast<size_t>(padding(static_cast<int64_t>(head.size()))), '\0');

  AtomicFile file(path);
  file.write(head);
  for (const Entry& e : tensors_) {
    write_values(file, e.tensor, e.type, done);
    file.write(std::string(static_cast<size_t>(padding(written_bytes(e.tensor, e.type))), '\0'));
  }
  file.commit();
}

}  // namespace engine
