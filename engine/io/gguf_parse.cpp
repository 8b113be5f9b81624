// magic, version, number of tensors and of values; values: key, kind, content; tensors: name, dims,
// type, offset; padding; the tensors' bytes. Texts and lists begin with their length.
#include "engine/io/gguf_parse.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>

#include "engine/base/error.h"

namespace engine {
namespace {

static_assert(std::endian::native == std::endian::little,
              "GGUF files are little-endian, and so must we be");

constexpr std::string_view kGgufMagic = "GGUF";
constexpr uint64_t kUsualAlignment = 32;
constexpr uint32_t kMostDims = 4;  // ggml has no more

std::string short_name(std::string_view name) {
  return std::string(name.substr(0, 200)) + (name.size() > 200 ? "..." : "");
}

uint64_t kind_bytes(GgufKind kind) {
  switch (kind) {
    case GgufKind::u8:
    case GgufKind::i8:
    case GgufKind::boolean:
      return 1;
    case GgufKind::u16:
    case GgufKind::i16:
      return 2;
    case GgufKind::u64:
    case GgufKind::i64:
    case GgufKind::f64:
      return 8;
    default:
      return 4;
  }
}

// What has not been read yet, front to back.
class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  const std::byte* take(uint64_t bytes, const std::string& what) {
    check(bytes <= left(), where_, "ends inside of ", what,
          hint("the file is cut short: download it again"));
    const std::byte* begin = bytes_.data() + at_;
    at_ += bytes;
    return begin;
  }
  template <class T>
  T number(const std::string& what) {
    T value;
    std::memcpy(&value, take(sizeof value, what), sizeof value);
    return value;
  }
  std::string_view text(const std::string& what) {
    const auto length = number<uint64_t>(what);
    return {reinterpret_cast<const char*>(take(length, what)), length};
  }
  // A number of things that take `least` bytes of the file each.
  uint64_t count(uint64_t least, const std::string& what) {
    const auto n = number<uint64_t>(what);
    check(n <= left() / least, where_, "promises ", n, " ", what, ", but has only ", left(),
          " bytes more", hint("the file is cut short or damaged: download it again"));
    return n;
  }
  uint64_t at() const { return at_; }
  uint64_t left() const { return bytes_.size() - at_; }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
  uint64_t at_ = 0;
};

class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where), in_(bytes, where) {}

  GgufContents parse() {
    check_opening();
    in_.take(8, "the header");
    const uint64_t tensors = in_.number<uint64_t>("the header");
    const uint64_t values = in_.count(13, "metadata values");
    for (uint64_t i = 0; i < values; ++i) add_value();
    check(tensors <= in_.left() / 24, where_, "promises ", tensors, " tensors, but has only ",
          in_.left(), " bytes more", hint("the file is cut short or damaged: download it again"));
    for (uint64_t i = 0; i < tensors; ++i) add_tensor();
    place_tensors();
    return std::move(out_);
  }

 private:
  struct Placed {
    uint64_t offset;
    GgufTensor* tensor;
  };

  void check_opening() const {
    const auto begins = [&](std::string_view with) {
      return bytes_.size() >= with.size() &&
             std::memcmp(bytes_.data(), with.data(), with.size()) == 0;
    };
    check(!begins("version https://git-lfs"), where_, "is a Git LFS pointer, not the file itself",
          hint("run: git lfs pull"));
    for (const char* old : {"ggml", "ggjt", "lmgg", "tjgg", "fmgg"})
      check(!begins(old), where_, "is of the formats before GGUF, which are not read",
            hint("make it anew from the original model with llama.cpp's convert_hf_to_gguf.py"));
    check(begins(kGgufMagic), where_, "is no GGUF file: it does not begin with GGUF",
          hint("a web page or a file of another kind? Download it again"));
    check(bytes_.size() >= 24, where_, "ends inside of the header",
          hint("the file is cut short: download it again"));
    uint32_t version;
    std::memcpy(&version, bytes_.data() + 4, 4);
    check((version & 0xFFFF) != 0, where_, "is a GGUF file for big-endian machines",
          hint("gguf-py's gguf_convert_endian.py makes it little-endian"));
    check(version == 2 || version == 3, where_, "is GGUF version ", version,
          "; versions 2 and 3 are read");
  }

  GgufKind kind(const std::string& what) {
    const auto number = in_.number<uint32_t>(what);
    check(number <= static_cast<uint32_t>(GgufKind::f64), where_, what, " is of the unknown type ",
          number);
    return static_cast<GgufKind>(number);
  }

  void add_value() {
    const std::string key(in_.text("a key of the metadata"));
    const std::string what = "the value of " + short_name(key);
    GgufValue value;
    value.kind = kind(what);
    if (value.kind == GgufKind::array) {
      value.array = true;
      value.kind = kind(what);
      check(value.kind != GgufKind::array, where_, what,
            " is a list of lists, which no known key is");
      value.count =
          in_.count(value.kind == GgufKind::text ? 8 : kind_bytes(value.kind), "items in " + what);
    }
    if (value.kind == GgufKind::text) {
      value.texts.reserve(value.count);
      for (uint64_t i = 0; i < value.count; ++i) value.texts.push_back(in_.text(what));
    } else {
      value.data = in_.take(value.count * kind_bytes(value.kind), what);
    }
    if (value.kind == GgufKind::boolean)
      for (uint64_t i = 0; i < value.count; ++i)
        check(static_cast<uint8_t>(value.data[i]) <= 1, where_, what, " is neither true nor false");
    check(out_.values.emplace(key, std::move(value)).second, where_, "the key ", short_name(key),
          " is there twice");
  }

  void add_tensor() {
    GgufTensor tensor;
    tensor.name = in_.text("a tensor's name");
    const std::string what = "tensor " + short_name(tensor.name);
    const auto dims = in_.number<uint32_t>(what);
    check(dims >= 1 && dims <= kMostDims, where_, what, " has ", dims, " dimensions, 1 to ",
          kMostDims, " are known");
    int64_t count = 1, sensible = 8;
    bool overflow = false;
    for (uint32_t d = 0; d < dims; ++d) {
      const auto n = in_.number<uint64_t>(what);
      overflow |= n > uint64_t{1} << 62;
      tensor.dims.insert(tensor.dims.begin(), static_cast<int64_t>(n));
      overflow |= __builtin_mul_overflow(count, static_cast<int64_t>(n), &count);
      if (n > 0) overflow |= __builtin_mul_overflow(sensible, static_cast<int64_t>(n), &sensible);
    }
    check(!overflow, where_, what, " has the shape ", dims_text(tensor.dims),
          ", which is not a sensible size");
    const auto number = in_.number<uint32_t>(what);
    const auto type = find_ggml_type(number);
    check(type.has_value(), where_, what, " is ", ggml_type_name(number),
          ", which is not read here",
          hint("read are F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K: take "
               "another quantisation of the model, Q8_0 for instance"));
    tensor.type = *type;
    const int64_t values = ggml_block_values(*type);
    check(tensor.dims.back() % values == 0, where_, what, " has rows of ", tensor.dims.back(),
          " values, and blocks of ", ggml_type_name(number), " have ", values);
    tensor.bytes = count / values * ggml_block_bytes(*type);
    const auto offset = in_.number<uint64_t>(what);
    const auto [place, fresh] = out_.tensors.emplace(tensor.name, std::move(tensor));
    check(fresh, where_, what, " is there twice");
    placed_.push_back({offset, &place->second});
  }

  uint64_t alignment() const {
    const auto found = out_.values.find("general.alignment");
    if (found == out_.values.end()) return kUsualAlignment;
    check(found->second.kind == GgufKind::u32 && !found->second.array, where_,
          "general.alignment is not of type uint32");
    uint32_t n;
    std::memcpy(&n, found->second.data, 4);
    check(std::has_single_bit(n), where_, "general.alignment is ", n, ", which is no power of two");
    return n;
  }

  void place_tensors() {
    const uint64_t align = alignment(), begin = (in_.at() + align - 1) / align * align;
    if (placed_.empty()) return;
    check(begin <= bytes_.size(), where_, "ends before the tensors' values",
          hint("the file is cut short: download it again"));
    const std::span<const std::byte> data = bytes_.subspan(begin);
    std::sort(placed_.begin(), placed_.end(), [](const Placed& a, const Placed& b) {
      return a.offset != b.offset ? a.offset < b.offset : a.tensor->bytes < b.tensor->bytes;
    });
    uint64_t end = 0;
    for (const auto& [offset, tensor] : placed_) {
      const auto bytes = static_cast<uint64_t>(tensor->bytes);
      const std::string what = "tensor " + short_name(tensor->name);
      check(offset % align == 0, where_, what, " begins at ", offset,
            ", which is no multiple of the alignment ", align);
      check(offset <= data.size() && bytes <= data.size() - offset, where_, what, " has ", bytes,
            " bytes from ", offset, " on, but the file has only ", data.size(), " bytes of values",
            hint("the file is cut short: download it again"));
      check(offset >= end, where_, what, " overlaps the tensor before it");
      tensor->data = data.data() + offset;
      end = offset + bytes;
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  GgufCursor in_;
  GgufContents out_;
  std::vector<Placed> placed_;
};

}  // namespace

GgufContents parse_gguf(std::span<const std::byte> bytes, const std::string& where) {
  return GgufParser(bytes, where).parse();
}

bool Gguf::is_one(const std::filesystem::path& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return false;
  std::string magic(kGgufMagic.size(), '\0');
  std::ifstream(path, std::ios::binary).read(magic.data(), std::ssize(magic));
  return magic == kGgufMagic;
}

}  // namespace engine
