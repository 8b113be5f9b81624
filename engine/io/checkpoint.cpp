#include "engine/io/checkpoint.h"

#include <deque>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/io/json_parse.h"
#include "engine/io/torch_file.h"

namespace engine {
namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kTorch = "pytorch_model.bin";
constexpr const char* kTorchIndex = "pytorch_model.bin.index.json";

// What torch.save writes, by its usual names.
bool is_torch_name(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  for (const char* end : {".bin", ".pt", ".pth", ".ckpt"})
    if (name.ends_with(end)) return true;
  return false;
}

std::map<std::string, SafeTensor> tensors_of(const std::filesystem::path& file) {
  return is_torch_name(file) ? read_torch_file(file) : Safetensors::open(file).tensors();
}

bool ends_with(const std::filesystem::path& path, std::string_view end) {
  return path.filename().string().ends_with(end);
}

}  // namespace

Checkpoint::Checkpoint(const std::filesystem::path& path) : path_(path) {
  namespace fs = std::filesystem;
  std::error_code none;
  check(fs::exists(path, none), path.string(), "there is no such checkpoint file or folder");
  const bool folder = fs::is_directory(path, none);
  if (folder && fs::exists(path / kSingle, none)) {
    add(path / kSingle);
  } else if (folder && fs::exists(path / kIndex, none)) {
    add_shards(path / kIndex);
  } else if (folder && fs::exists(path / kTorch, none)) {
    add(path / kTorch);
  } else if (folder && fs::exists(path / kTorchIndex, none)) {
    add_shards(path / kTorchIndex);
  } else if (folder) {
    for (const char* other : {"tf_model.h5", "flax_model.msgpack", "model.ckpt.index"})
      check(!fs::exists(path / other, none), path.string(), "holds only ", other,
            ", which is TensorFlow's or Flax's",
            hint("convert it once with transformers: "
                 "AutoModel.from_pretrained(folder, from_tf=True).save_pretrained(folder)"));
    const bool adapter = fs::exists(path / "adapter_config.json", none);
    fail(path.string(), "holds neither ", kSingle, " nor ", kIndex, " nor ", kTorch,
         hint(adapter ? "it is an adapter, not a model; name the folder of its base model"
                      : "a checkpoint folder has config.json and model.safetensors in it"));
  } else if (ends_with(path, ".index.json")) {
    add_shards(path);
  } else {
    add(path);
  }
}

const SafeTensor* Checkpoint::find(const std::string& name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

void Checkpoint::add(const std::filesystem::path& file) {
  files_.push_back(file);
  tensors_ = tensors_of(file);
}

void Checkpoint::add_shards(const std::filesystem::path& index) {
  const std::string where = index.string();
  const auto file = MappedFile::open(index);
  const std::string_view text(reinterpret_cast<const char*>(file->data()), file->size());
  const auto json = json_detail::parse_unique<nlohmann::json>(text, where);
  check(json.is_object() && json.contains("weight_map") && json["weight_map"].is_object(), where,
        "\"weight_map\" is missing or not an object");

  std::map<std::string, std::map<std::string, SafeTensor>> shards;
  for (const auto& [name, shard] : json["weight_map"].items()) {
    check(shard.is_string(), where, "\"weight_map\": the file of ", name, " is not a string");
    const auto& file_name = shard.get_ref<const std::string&>();
    check(!file_name.empty() && file_name.find('/') == std::string::npos && file_name != "..",
          where, "\"weight_map\": the file of ", name, " should lie beside the index, found '",
          file_name, "'");
    auto found = shards.find(file_name);
    if (found == shards.end()) {
      const std::filesystem::path place = index.parent_path() / file_name;
      std::error_code none;
      check(std::filesystem::exists(place, none), where, "the shard ", file_name, " is missing",
            hint("the index names it for " + name + "; was everything downloaded?"));
      found = shards.emplace(file_name, tensors_of(place)).first;
      files_.push_back(place);
    }
    const auto tensor = found->second.find(name);
    check(tensor != found->second.end(), where, "promises ", name, " in ", file_name,
          ", where it is not", hint("index and shards are of different downloads"));
    tensors_.emplace(name, tensor->second);
  }
}

bool load_parameter(const SafeTensor& tensor, Parameter& parameter, ParameterStore& store,
                    bool borrow) {
  std::vector<int64_t> wanted = parameter.dims;
  if (parameter.transposed_in_file && wanted.size() == 2) std::swap(wanted[0], wanted[1]);
  check(tensor.dims == wanted, tensor.where(), "has the shape ", dims_text(tensor.dims), ", but ",
        parameter.name, " needs ", dims_text(wanted));
  check(tensor.is_float(), tensor.where(), "is ", dtype_name(tensor.dtype),
        "; floating-point values (F32, F16, BF16, F64) are needed here");
  const bool transposed = parameter.transposed_in_file && wanted.size() == 2;
  if (store.holds_as_half(parameter)) {
    const BFloat16* bits = borrow && !transposed ? tensor.as_bfloat16() : nullptr;
    parameter.loaded = true;
    if (bits) {
      store.borrow_half(parameter, bits, tensor.copy ? tensor.copy : tensor.file);
      return true;
    }
    std::vector<Scalar> wide(static_cast<size_t>(parameter.count()));
    transposed ? tensor.read_transposed(wide.data()) : tensor.read(wide.data());
    narrow(wide.data(), parameter.count(), store.own_half(parameter));
    return false;
  }
  const Scalar* in_place =
      borrow && !parameter.trainable && !transposed ? tensor.as_scalars() : nullptr;
  if (in_place) {
    store.borrow(parameter, in_place, tensor.copy ? tensor.copy : tensor.file);
  } else {
    Scalar* own = store.own(parameter);
    transposed ? tensor.read_transposed(own) : tensor.read(own);
  }
  store.refresh_half(parameter);
  parameter.loaded = true;
  return in_place != nullptr;
}

void save_parameters(const std::filesystem::path& file, const std::vector<Parameter*>& parameters,
                     DType dtype, const Metadata& metadata) {
  DryRun::refuse(file.string());
  std::vector<TensorToSave> tensors;
  std::deque<std::vector<Scalar>> widened;  // of what is held as BF16
  for (const Parameter* p : parameters) {
    const Scalar* values = p->value;
    if (!values && p->half) {
      widened.emplace_back(static_cast<size_t>(p->count()));
      widen(p->half.data, p->count(), widened.back().data());
      values = widened.back().data();
    }
    check(values, file.string(), "parameter ", p->name, " has no value yet",
          hint("load or initialise before saving"));
    TensorToSave t{p->name, p->dims, values, dtype, p->transposed_in_file && p->dims.size() == 2};
    if (t.transpose) std::swap(t.dims[0], t.dims[1]);
    tensors.push_back(std::move(t));
  }
  write_safetensors(file, std::move(tensors), metadata);
}

void save_model(const std::filesystem::path& folder, const ParameterStore& store, DType dtype) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, folder.string(), "cannot be made: ", error.message());
  save_parameters(folder / kSingle, store.all(), dtype);
}

}  // namespace engine
