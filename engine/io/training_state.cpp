#include "engine/io/training_state.h"

#include <algorithm>
#include <cstring>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/io/hash.h"
#include "engine/io/safetensors.h"

namespace engine {
namespace {

constexpr const char* kFormat = "peft.cpp training state";
constexpr int64_t kStateVersion = 1;
constexpr DType kScalar = sizeof(Scalar) == 4 ? DType::F32 : DType::F64;
// Sorted behind all scalars, since narrow types come last: the checksum is the end of the file and
// covers the rest.
constexpr const char* kChecksum = "xxh3_128";
constexpr int64_t kDigits = 32;

Json describe_parameters(const ParameterStore& store) {
  Json list = Json::array();
  for (const Parameter* p : store.trainable())
    list.push_back({{"name", p->name}, {"dims", p->dims}});
  return list;
}

Json to_json(const TrainingState& state, const ParameterStore& store) {
  Json json;
  json["version"] = kStateVersion;
  json["step"] = state.step;
  json["epoch"] = state.epoch;
  json["batch"] = state.batch;
  json["optimizer"] = state.optimizer;
  json["optimizer_steps"] = state.optimizer_steps;
  json["best_metric"] = state.best_metric ? Json(*state.best_metric) : Json();
  json["app"] = state.app;
  json["decayed"] = store.block().decayed;
  json["parameters"] = describe_parameters(store);
  return json;
}

struct Opened {
  Safetensors file;
  Json json;
  TrainingState state;
};

void check_undamaged(const Safetensors& file, const std::string& where) {
  const SafeTensor* checksum = file.find(kChecksum);
  const auto bytes = file.file()->bytes();
  check(checksum && checksum->dtype == DType::U8 && checksum->bytes == kDigits &&
            checksum->data + kDigits == bytes.data() + bytes.size(),
        where, "has no checksum at its end");
  const std::string expected(reinterpret_cast<const char*>(checksum->data),
                             static_cast<size_t>(kDigits));
  const std::string actual = hash_bytes(bytes.data(), bytes.size() - static_cast<size_t>(kDigits));
  check(actual == expected, where, "is damaged: its checksum should be ", expected, " and is ",
        actual, hint("resume from another copy, or start the run again"));
}

Opened open_state(const std::filesystem::path& path) {
  const std::string where = path.string();
  Opened opened{Safetensors::open(path), {}, {}};
  const Metadata& metadata = opened.file.metadata();
  const auto format = metadata.find("format"), text = metadata.find("state");
  check(format != metadata.end() && format->second == kFormat && text != metadata.end(), where,
        "is not a training state", hint("a model or an adapter is loaded by other means"));
  check_undamaged(opened.file, where);
  opened.json = parse_json(text->second, where);
  const auto version = get<int64_t>(opened.json, "version", where);
  check(version == kStateVersion, where, "has version ", version,
        " of the format, and this program reads ", kStateVersion,
        hint("resume with the program that wrote it"));
  TrainingState& state = opened.state;
  state.step = get<int64_t>(opened.json, "step", where);
  state.epoch = get<int64_t>(opened.json, "epoch", where);
  state.batch = get<int64_t>(opened.json, "batch", where);
  state.optimizer = get<std::string>(opened.json, "optimizer", where);
  state.optimizer_steps = get<int64_t>(opened.json, "optimizer_steps", where);
  if (has(opened.json, "best_metric"))
    state.best_metric = get<double>(opened.json, "best_metric", where);
  state.app = get<Json>(opened.json, "app", where);
  return opened;
}

// The blocks are one stretch of numbers, so the list of parameters must be the same, in the same
// order.
void check_parameters(const Opened& opened, const ParameterStore& store, const std::string& where) {
  const auto& saved = get<Json>(opened.json, "parameters", where);
  const std::vector<Parameter*>& now = store.trainable();
  const auto advice =
      hint("the strategy or the model is another one than when the state was saved");
  check(saved.size() == now.size(), where, "has ", saved.size(),
        " trainable parameters, and the model trains ", now.size(), advice);
  for (size_t i = 0; i < now.size(); ++i) {
    const auto name = get<std::string>(saved[i], "name", where);
    const auto dims = get<std::vector<int64_t>>(saved[i], "dims", where);
    check(name == now[i]->name && dims == now[i]->dims, where, "its trainable parameter ", i,
          " is ", name, " ", dims_text(dims), ", and the model's is ", now[i]->name, " ",
          dims_text(now[i]->dims), advice);
  }
  const auto decayed = get<int64_t>(opened.json, "decayed", where);
  check(decayed == store.block().decayed, where, "weight decay touched ", decayed,
        " values, and now touches ", store.block().decayed, advice);
}

const SafeTensor& block_of(const Opened& opened, const std::string& name, int64_t size,
                           const std::string& where) {
  const SafeTensor* t = opened.file.find(name);
  check(t, where, "has no block '", name, "'",
        hint("the optimizer has other settings than when the state was saved"));
  check(t->dtype == kScalar, where, "was saved as ", dtype_name(t->dtype),
        ", and this program computes in ", dtype_name(kScalar));
  check(t->count() == size, where, "block '", name, "' has ", t->count(), " values, and ", size,
        " are needed");
  return *t;
}

}  // namespace

void save_training_state(const std::filesystem::path& path, const TrainingState& state,
                         const ParameterStore& store, const StateBlocks& moments) {
  const ParameterStore::Block& block = store.block();
  std::vector<std::pair<std::string, const Scalar*>> blocks{{"values", block.value}};
  for (const auto& [name, values] : moments) {
    check(static_cast<int64_t>(values.size()) == block.size, path.string(), "moment '", name,
          "' has ", values.size(), " values, and the trainable block ", block.size);
    blocks.emplace_back("moment." + name, values.data());
  }
  std::sort(blocks.begin(), blocks.end());
  std::vector<TensorInfo> infos{{kChecksum, DType::U8, {kDigits}}};
  for (const auto& [name, data] : blocks) infos.push_back({name, kScalar, {block.size}});
  const std::string header = safetensors_header(
      infos, {{"format", kFormat}, {"state", json_text(to_json(state, store))}}, path.string());

  AtomicFile file(path);
  Hash hash;
  const auto write = [&](const void* data, size_t bytes) {
    hash.add(data, bytes);
    file.write(data, bytes);
  };
  write(header.data(), header.size());
  for (const auto& [name, data] : blocks)
    write(data, static_cast<size_t>(block.size) * sizeof(Scalar));
  file.write(hash.hex());
  file.commit();
}

TrainingState load_training_state(const std::filesystem::path& path, const std::string& optimizer,
                                  ParameterStore& store, const StateBlocks& moments) {
  const std::string where = path.string();
  Opened opened = open_state(path);
  check(opened.state.optimizer == optimizer, where, "was saved with the optimizer '",
        opened.state.optimizer, "', and this run has '", optimizer, "'");
  check_parameters(opened, store, where);
  const ParameterStore::Block& block = store.block();
  std::vector<std::pair<const SafeTensor*, Scalar*>> targets{
      {&block_of(opened, "values", block.size, where), block.value}};
  for (const auto& [name, values] : moments)
    targets.emplace_back(
        &block_of(opened, "moment." + name, static_cast<int64_t>(values.size()), where),
        values.data());
  check(opened.file.tensors().size() == targets.size() + 1, where, "holds ",
        opened.file.tensors().size() - 2, " moments of the optimizer, and this run has ",
        moments.size(), hint("the optimizer has other settings than when it was saved"));
  for (const auto& [tensor, out] : targets)
    if (tensor->bytes > 0) std::memcpy(out, tensor->data, static_cast<size_t>(tensor->bytes));
  store.refresh_half();
  for (Parameter* p : store.trainable()) p->loaded = true;
  return std::move(opened.state);
}

TrainingState read_training_state(const std::filesystem::path& path) {
  return open_state(path).state;
}

}  // namespace engine
