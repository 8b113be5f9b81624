// Source: torch/serialization.py and torch/_utils.py (_rebuild_tensor_v2, _rebuild_tensor_v3,
// _rebuild_parameter).
#include "engine/io/torch_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "engine/base/error.h"
#include "engine/io/pickle.h"
#include "engine/io/zip_directory.h"

namespace engine {
namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kLargestPickle = size_t{64} << 20;  // names and shapes; 100,000 tensors have 20 MB

struct NamedType {
  std::string_view name;
  DType dtype;
};
constexpr NamedType kTorchTypes[] = {{"torch.FloatStorage", DType::F32},
                                     {"torch.DoubleStorage", DType::F64},
                                     {"torch.HalfStorage", DType::F16},
                                     {"torch.BFloat16Storage", DType::BF16},
                                     {"torch.LongStorage", DType::I64},
                                     {"torch.IntStorage", DType::I32},
                                     {"torch.ShortStorage", DType::I16},
                                     {"torch.CharStorage", DType::I8},
                                     {"torch.ByteStorage", DType::U8},
                                     {"torch.BoolStorage", DType::BOOL},
                                     {"torch.storage.UntypedStorage", DType::U8},
                                     {"torch.float32", DType::F32},
                                     {"torch.float64", DType::F64},
                                     {"torch.float16", DType::F16},
                                     {"torch.bfloat16", DType::BF16},
                                     {"torch.int64", DType::I64},
                                     {"torch.int32", DType::I32},
                                     {"torch.uint16", DType::U16},
                                     {"torch.uint32", DType::U32},
                                     {"torch.uint64", DType::U64},
                                     {"torch.float8_e5m2", DType::F8_E5M2},
                                     {"torch.float8_e4m3fn", DType::F8_E4M3}};

const NamedType* find_type(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTorchTypes), std::end(kTorchTypes),
                                   [&](const NamedType& t) { return t.name == name; });
  return found == std::end(kTorchTypes) ? nullptr : found;
}

bool allowed(std::string_view name) {
  static constexpr std::array others = {std::string_view("collections.OrderedDict"),
                                        std::string_view("torch._utils._rebuild_tensor"),
                                        std::string_view("torch._utils._rebuild_tensor_v2"),
                                        std::string_view("torch._utils._rebuild_tensor_v3"),
                                        std::string_view("torch._utils._rebuild_parameter"),
                                        std::string_view("torch.Size")};
  return find_type(name) || std::find(others.begin(), others.end(), name) != others.end();
}

// What the storages of a file are by key.
using Storages = std::map<std::string, Bytes>;

class Reader {
 public:
  Reader(std::shared_ptr<const MappedFile> file, Storages storages)
      : file_(std::move(file)), where_(file_->path().string()), storages_(std::move(storages)) {}

  std::map<std::string, SafeTensor> tensors(const PickleNode& root) {
    const PickleNode* dict = &root;
    for (const char* inner : {"state_dict", "model_state_dict", "model"})
      if (const PickleNode* found = value_of(root, inner);
          found && found->kind == PickleKind::dict && !has_tensor(root))
        dict = found;
    std::map<std::string, SafeTensor> out;
    std::string keys;
    if (dict->kind == PickleKind::dict)
      for (size_t i = 0; i + 1 < dict->items.size(); i += 2) {
        const PickleNode& key = *dict->items[i];
        if (key.kind != PickleKind::text) continue;
        if (i < 20) keys += (keys.empty() ? "" : ", ") + key.text;
        const PickleNode* value = tensor_call(*dict->items[i + 1]);
        if (value) out[key.text] = tensor(key.text, *value);
      }
    check(!out.empty(), where_, "holds no tensors by name",
          hint(keys.empty() ? "a state dict is a dict of names and tensors" : "it has: " + keys));
    return out;
  }

 private:
  static const PickleNode* value_of(const PickleNode& dict, std::string_view key) {
    if (dict.kind != PickleKind::dict) return nullptr;
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (dict.items[i]->kind == PickleKind::text && dict.items[i]->text == key)
        return dict.items[i + 1];
    return nullptr;
  }

  static bool has_tensor(const PickleNode& dict) {
    for (size_t i = 1; i < dict.items.size(); i += 2)
      if (tensor_call(*dict.items[i])) return true;
    return false;
  }

  // The call that rebuilds a tensor; of a Parameter the one inside. Null if it is another thing.
  static const PickleNode* tensor_call(const PickleNode& node) {
    if (node.kind != PickleKind::call) return nullptr;
    const std::string& name = node.items[0]->text;
    if (name == "torch._utils._rebuild_parameter") {
      const auto& arguments = node.items[1]->items;
      if (arguments.empty() || arguments[0]->kind != PickleKind::call ||
          arguments[0]->items[0]->text == name)
        return nullptr;
      return tensor_call(*arguments[0]);
    }
    return name.starts_with("torch._utils._rebuild_tensor") ? &node : nullptr;
  }

  SafeTensor tensor(const std::string& name, const PickleNode& rebuild) {
    const std::string at = where_ + ": tensor " + name;
    const auto& a = rebuild.items[1]->items;
    const bool third = rebuild.items[0]->text.ends_with("_v3");
    check(a.size() >= (third ? 7u : 4u), at, "is rebuilt from ", a.size(), " values");
    DType dtype = DType::F32;
    const Bytes storage = storage_of(at, *a[0], dtype);
    if (third) dtype = type_named(at, *a[6]);
    SafeTensor t{
        .name = name, .dtype = dtype, .dims = whole_numbers(at, *a[2]), .file = file_, .copy = {}};
    const std::vector<int64_t> strides = whole_numbers(at, *a[3]);
    check(a[1]->kind == PickleKind::integer && a[1]->integer >= 0, at, "begins nowhere");
    check(strides.size() == t.dims.size(), at, "has ", t.dims.size(), " dimensions and ",
          strides.size(), " strides");
    const int64_t width = dtype_bytes(dtype);
    const auto room = static_cast<int64_t>(storage.size()) / width;
    int64_t count = 1, dense = 1, last = a[1]->integer;
    bool contiguous = true;
    for (size_t d = t.dims.size(); d-- > 0;) {
      check(t.dims[d] == 0 || count <= std::numeric_limits<int64_t>::max() / 8 / t.dims[d], at,
            "is larger than any memory: ", dims_text(t.dims));
      count *= t.dims[d];
      contiguous = contiguous && (t.dims[d] == 1 || strides[d] == dense);
      dense *= std::max<int64_t>(t.dims[d], 1);
    }
    check(last <= room, at, "begins behind the end of its storage");
    if (count > 0)
      for (size_t d = 0; d < t.dims.size(); ++d) {
        check(strides[d] == 0 || t.dims[d] - 1 <= (room - last) / strides[d], at,
              "reaches behind the end of its storage (", room, " values)");
        last += (t.dims[d] - 1) * strides[d];
      }
    check(count == 0 || last < room, at, "reaches behind the end of its storage (", room,
          " values)");
    t.bytes = count * width;
    const std::byte* begin = storage.data() + a[1]->integer * width;
    if (contiguous || count == 0) {
      t.data = begin;
      return t;
    }
    // A stride of 0 repeats values: the copy may be larger than the file, but no more so than the
    // tensor is.
    check(count <= std::max<int64_t>(room, 1) * 64, at, "repeats a storage of ", room,
          " values to ", count);
    auto copy = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(t.bytes));
    std::vector<int64_t> index(t.dims.size(), 0);
    for (int64_t i = 0, from = 0; i < count; ++i) {
      std::memcpy(copy->data() + i * width, begin + from * width, static_cast<size_t>(width));
      for (size_t d = t.dims.size(); d-- > 0;) {
        from += strides[d];
        if (++index[d] < t.dims[d]) break;
        from -= strides[d] * t.dims[d];
        index[d] = 0;
      }
    }
    t.data = copy->data();
    t.copy = copy;
    return t;
  }

  DType type_named(const std::string& at, const PickleNode& node) const {
    const NamedType* type = node.kind == PickleKind::global ? find_type(node.text) : nullptr;
    check(type, at, "has an unknown type");
    return type->dtype;
  }

  // ("storage", type, key, device, number of values)
  Bytes storage_of(const std::string& at, const PickleNode& node, DType& dtype) const {
    check(node.kind == PickleKind::persistent && node.items[0]->items.size() >= 5 &&
              node.items[0]->items[2]->kind == PickleKind::text,
          at, "has no storage");
    const auto& items = node.items[0]->items;
    dtype = type_named(at, *items[1]);
    const auto found = storages_.find(items[2]->text);
    check(found != storages_.end(), at, "its storage ", items[2]->text, " is not in the file");
    return found->second;
  }

  static std::vector<int64_t> whole_numbers(const std::string& at, const PickleNode& node) {
    const PickleNode* list = &node;
    if (node.kind == PickleKind::call && node.items[0]->text == "torch.Size" &&
        node.items[1]->items.size() == 1)
      list = node.items[1]->items[0];
    std::vector<int64_t> out;
    for (const PickleNode* item : list->items) {
      check(
          list->kind == PickleKind::list && item->kind == PickleKind::integer && item->integer >= 0,
          at, "has a size or a stride that is no whole number");
      out.push_back(item->integer);
    }
    return out;
  }

  std::shared_ptr<const MappedFile> file_;
  std::string where_;
  Storages storages_;
};

std::map<std::string, SafeTensor> read_zip(const std::shared_ptr<const MappedFile>& file) {
  const std::string where = file->path().string();
  const auto parts = zip_directory(file->bytes(), where);
  const auto pickle = std::find_if(parts.begin(), parts.end(), [](const auto& part) {
    return part.first == "data.pkl" || part.first.ends_with("/data.pkl");
  });
  check(pickle != parts.end(), where, "is a zip archive without data.pkl, so not torch.save's");
  check(pickle->second.size() <= kLargestPickle, where, "has a pickle of ",
        pickle->second.size() >> 20, " MB; names and shapes need no more than ",
        kLargestPickle >> 20);
  const std::string folder = pickle->first.substr(0, pickle->first.size() - 8);
  if (const auto order = parts.find(folder + "byteorder"); order != parts.end())
    check(order->second.size() == 6 && std::memcmp(order->second.data(), "little", 6) == 0, where,
          "was written on a big-endian machine");
  Storages storages;
  for (const auto& [name, bytes] : parts)
    if (name.starts_with(folder + "data/")) storages[name.substr(folder.size() + 5)] = bytes;
  const Pickle root(pickle->second, where, allowed);
  return Reader(file, std::move(storages)).tensors(root.root());
}

// The magic number, as a pickle of its own.
constexpr unsigned char kMagic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                    0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};

// Magic, protocol, system, the pickle, the keys of its storages; then of each storage the number of
// values and the values.
std::map<std::string, SafeTensor> read_old(const std::shared_ptr<const MappedFile>& file) {
  const std::string where = file->path().string();
  Bytes rest = file->bytes().subspan(sizeof kMagic);
  const auto next = [&] {
    Pickle pickle(rest.first(std::min(rest.size(), kLargestPickle)), where, allowed);
    rest = rest.subspan(pickle.size());
    return pickle;
  };
  next();
  next();
  const Pickle root = next();
  const Pickle keys = next();
  // Types of the storages, for their sizes: every tensor names its own.
  std::map<std::string, int64_t> width;
  for (const PickleNode& node : root.nodes()) {
    if (node.kind != PickleKind::persistent) continue;
    const auto& items = node.items[0]->items;
    if (items.size() >= 5 && items[1]->kind == PickleKind::global && find_type(items[1]->text))
      width[items[2]->text] = dtype_bytes(find_type(items[1]->text)->dtype);
  }
  Storages storages;
  for (const PickleNode* key : keys.root().items) {
    check(key->kind == PickleKind::text && width.contains(key->text), where,
          "lists a storage that no tensor uses");
    check(rest.size() >= 8, where, "is cut short in front of a storage");
    int64_t count = 0;
    std::memcpy(&count, rest.data(), 8);
    rest = rest.subspan(8);
    const int64_t each = width[key->text];
    check(count >= 0 && count <= static_cast<int64_t>(rest.size()) / each, where,
          "is cut short in a storage of ", count, " values");
    storages[key->text] = rest.first(static_cast<size_t>(count * each));
    rest = rest.subspan(static_cast<size_t>(count * each));
  }
  return Reader(file, std::move(storages)).tensors(root.root());
}

}  // namespace

std::map<std::string, SafeTensor> read_torch_file(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const Bytes bytes = file->bytes();
  if (bytes.size() > 4 && std::memcmp(bytes.data(), "PK\3\4", 4) == 0) return read_zip(file);
  if (bytes.size() > sizeof kMagic && std::memcmp(bytes.data(), kMagic, sizeof kMagic) == 0)
    return read_old(file);
  fail(path.string(), "is not what torch.save writes",
       hint("it begins with neither a zip archive nor PyTorch's magic number"));
}

}  // namespace engine
