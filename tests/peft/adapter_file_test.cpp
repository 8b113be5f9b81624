// Adapter files: the keys of Hugging Face PEFT, the way there and back, and every way in which a
// file may not fit.
#include "peft/adapter_file.h"

#include <cstring>

#include "engine/io/safetensors.h"
#include "peft/peft_config.h"
#include "tests/peft/support.h"

using namespace testing;
using engine::Json;
namespace fs = std::filesystem;

namespace {

void save(const fs::path& folder, Subject& s, const std::string& hash = "abc") {
  peft::save_adapter(folder, *s.strategy, *s.store, {.base_model = "tiny", .base_hash = hash},
                     s.sites);
}

// PEFT's rule: an entry of the list equals the path or stands at its end behind a dot.
bool peft_targets(const Json& targets, const std::string& path) {
  for (const std::string entry : targets)
    if (path == entry || path.ends_with("." + entry)) return true;
  return false;
}

void write_config(const fs::path& folder, const Json& config) {
  write_file(folder / "adapter_config.json", config.dump());
}

// A file with changed tensors: {name: dims} of zeros added or replaced, names dropped.
void rewrite(const fs::path& folder, const std::vector<std::string>& drop,
             const std::map<std::string, std::vector<int64_t>>& add) {
  const auto path = folder / "adapter_model.safetensors";
  std::vector<std::vector<Scalar>> memory;
  std::vector<engine::TensorToSave> tensors;
  engine::Metadata metadata;
  {
    const auto file = engine::Safetensors::open(path);
    metadata = file.metadata();
    const auto keep = [&](const std::string& name, const std::vector<int64_t>& dims,
                          const engine::SafeTensor* from) {
      int64_t n = 1;
      for (const auto d : dims) n *= d;
      memory.emplace_back(static_cast<size_t>(n));
      if (from) from->read(memory.back().data());
      tensors.push_back({name, dims, memory.back().data(), engine::DType::F32, false});
    };
    for (const auto& [name, tensor] : file.tensors())
      if (std::find(drop.begin(), drop.end(), name) == drop.end() && !add.contains(name))
        keep(name, tensor.dims, &tensor);
    for (const auto& [name, dims] : add) keep(name, dims, nullptr);
  }
  engine::write_safetensors(path, tensors, metadata);
}

}  // namespace

TEST_CASE("keys, shapes and targets are those of Hugging Face PEFT") {
  const Json goldens = engine::json_file(golden("peft_keys.json"));
  for (const auto& type : kTypes)
    for (const auto& [name, wanted] : goldens.at(type).items()) {
      CAPTURE(type);
      const auto& this_name = name;
      CAPTURE(this_name);
      TempDir dir;
      Subject s(type, wanted.at("spec"));
      save(dir.path(), s);
      const auto file = engine::Safetensors::open(dir / "adapter_model.safetensors");
      std::map<std::string, std::vector<int64_t>> keys;
      for (const auto& [key, tensor] : file.tensors()) keys[key] = tensor.dims;
      CHECK(keys == wanted.at("keys").get<std::map<std::string, std::vector<int64_t>>>());
      CHECK(file.metadata().at("format") == "pt");

      const Json config = engine::json_file(dir / "adapter_config.json");
      for (const char* key :
           {"num_virtual_tokens", "num_layers", "num_attention_heads", "token_dim",
            "num_transformer_submodules", "prefix_projection", "encoder_hidden_size"})
        CHECK(config.contains(key) == wanted.contains(key));
      for (const char* key : {"num_virtual_tokens", "num_layers", "token_dim", "prefix_projection",
                              "encoder_hidden_size"})
        if (wanted.contains(key)) CHECK(config.at(key) == wanted.at(key));
      CHECK(config.at("inference_mode") == true);
      CHECK(config.at("task_type") == "SEQ_CLS");
      if (!wanted.contains("target_modules")) continue;
      // The list means the modules that were used, and no other of the model.
      for (const Parameter* p : s.store->all()) {
        if (p->role == Role::injected || !p->name.ends_with(".weight")) continue;
        const std::string path = p->name.substr(0, p->name.size() - 7);
        const bool lora = keys.contains("base_model.model." + path + ".lora_A.weight");
        const auto factor = keys.find("base_model.model." + path + ".ia3_l");
        CHECK_MESSAGE(
            peft_targets(config.at("target_modules"), path) == (lora || factor != keys.end()),
            path);
        if (factor != keys.end())
          CHECK_MESSAGE(
              peft_targets(config.at("feedforward_modules"), path) == (factor->second.front() == 1),
              path);
      }
      if (wanted.at("target_modules").is_array())
        CHECK(config.at("target_modules") == wanted.at("target_modules"));
    }
}

TEST_CASE("adapter_config.json of LoRA is what PEFT writes") {
  TempDir dir;
  Subject s("bert", "lora:r=4,alpha=16,dropout=0.1");
  save(dir.path(), s);
  CHECK(read_file(dir / "adapter_config.json") == R"({
  "alpha_pattern": {},
  "auto_mapping": null,
  "base_model_name_or_path": "tiny",
  "bias": "none",
  "fan_in_fan_out": false,
  "inference_mode": true,
  "init_lora_weights": true,
  "layer_replication": null,
  "layers_pattern": null,
  "layers_to_transform": null,
  "loftq_config": {},
  "lora_alpha": 16,
  "lora_dropout": 0.1,
  "megatron_config": null,
  "megatron_core": "megatron.core",
  "modules_to_save": [
    "classifier"
  ],
  "peft_type": "LORA",
  "r": 4,
  "rank_pattern": {},
  "revision": null,
  "target_modules": [
    "query",
    "value"
  ],
  "task_type": "SEQ_CLS",
  "use_dora": false,
  "use_rslora": false
}
)");
}

TEST_CASE("there and back, for every model and strategy") {
  std::vector<std::string> specs = golden_specs();
  specs.insert(
      specs.end(),
      {"lora:layers=1", "lora:pattern=.*(query|q_lin|dense|lin2)", "ia3:layers=0", "lora+ia3",
       "prefix:length=2,hidden=4+bitfit", "bitfit+lora:roles=ffn_out", "norm",
       "norm:terms=ffn_norm", "prompt:length=3", "lora:dora=true", "lora:roles=embedding+key",
       "lora:bias=all", "lora:r=2,rank_pattern={\"(value|v_lin)\":3}", "norm+lora"});
  for (const auto& type : kTypes)
    for (const auto& spec : specs) {
      CAPTURE(type);
      CAPTURE(spec);
      TempDir dir;
      Subject s(type, spec);
      s.shake();
      for (Parameter* p : s.store->trainable())
        p->value[0] += Scalar(0.125);  // heads and biases too
      save(dir.path(), s);

      const auto file = peft::load_adapter(dir.path());
      const bool mlp = spec.starts_with("prefix") && contains(s.strategy->spec(), "hidden=") &&
                       s.strategy->name() == "prefix";
      CHECK(file.spec == (s.strategy->name() == "prefix"
                              ? "prefix:length=5,flat=true"
                              : peft::make_strategy(s.strategy->full_spec())->spec()));
      CHECK(file.base_model == "tiny");
      CHECK(file.base_hash == "abc");
      Subject other(type, file.spec);
      peft::apply_adapter(file, *other.store, "abc");
      for (const Parameter* p : other.store->trainable()) CHECK(p->loaded);
      // The file holds floats, and the double build rounds; so do the tables that an MLP made.
      if (kDouble || mlp)
        CHECK(difference(s.logits(), other.logits()) < 1e-5);
      else
        CHECK(same_bits(s.logits(), other.logits()));
    }
}

TEST_CASE("strategies that PEFT does not know have a file of ours") {
  TempDir dir;
  Subject s("roberta", "bitfit:terms=query");
  save(dir.path(), s);
  const Json config = engine::json_file(dir / "adapter_config.json");
  CHECK_FALSE(config.contains("peft_type"));
  CHECK(config["peft_cpp"]["format_version"] == 1);
  CHECK(config["peft_cpp"]["spec"] == "bitfit:terms=query");
  const auto file = engine::Safetensors::open(dir / "adapter_model.safetensors");
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors()) names.push_back(name);
  CHECK(names == s.trainable_names());

  Json newer = config;
  newer["peft_cpp"]["format_version"] = 2;
  write_config(dir.path(), newer);
  CHECK(contains(message_of([&] { peft::load_adapter(dir.path()); }), "format_version is 2"));
}

TEST_CASE("lora+bitfit is PEFT's LoRA with bias=all") {
  TempDir dir;
  Subject s("bert", "lora:r=2+bitfit");
  save(dir.path(), s);
  CHECK(engine::json_file(dir / "adapter_config.json").at("bias") == "all");
  const auto file = engine::Safetensors::open(dir / "adapter_model.safetensors");
  CHECK(file.find("base_model.model.bert.encoder.layer.0.attention.self.query.base_layer.bias"));
  CHECK(file.find("base_model.model.bert.encoder.layer.0.attention.self.key.bias"));
  CHECK_FALSE(file.find("base_model.model.bert.encoder.layer.0.attention.self.query.bias"));
}

TEST_CASE("a file of PEFT's own is read by its tensors") {
  TempDir dir;
  Subject s("bert", "lora:r=4,alpha=8");
  s.shake();
  save(dir.path(), s);
  rewrite(dir.path(), {}, {});
  {  // as PEFT would have written it: none of our metadata, and the smallest configuration that its
     // documentation allows
    const auto file = engine::Safetensors::open(dir / "adapter_model.safetensors");
    std::vector<std::vector<Scalar>> memory;
    std::vector<engine::TensorToSave> tensors;
    for (const auto& [name, tensor] : file.tensors()) {
      memory.emplace_back(static_cast<size_t>(tensor.count()));
      tensor.read(memory.back().data());
      tensors.push_back({name, tensor.dims, memory.back().data(), engine::DType::F32, false});
    }
    engine::write_safetensors(dir / "adapter_model.safetensors", tensors, {{"format", "pt"}});
  }
  const Json minimal = {{"target_modules", {"query", "value"}}, {"peft_type", "LORA"}, {"r", 4}};
  write_config(dir.path(), minimal);
  const auto file = peft::load_adapter(dir.path());
  CHECK(file.base_hash.empty());
  Subject other("bert", file.spec);
  CHECK(other.strategy->matched() == s.strategy->matched());
  peft::apply_adapter(file, *other.store, "whatever");
  CHECK(difference(s.logits(), other.logits()) < 1e-6);

  const auto refused = [&](const char* key, const Json& value) {
    Json config = minimal;
    config[key] = value;
    write_config(dir.path(), config);
    return message_of([&] { peft::load_adapter(dir.path()); });
  };
  CHECK(refused("rank_pattern", {{"query", 4}}).empty());
  CHECK(contains(refused("rank_pattern", {{"query", "x"}}), "rank_pattern"));
  CHECK(contains(refused("use_qalora", true), "use_qalora"));
  CHECK(contains(refused("init_lora_weights", "pissa"), "base weights"));
  CHECK(contains(refused("bias", "some"), "lora_only"));
  CHECK(contains(refused("peft_type", "ADALORA"), "LORA, IA3, LN_TUNING"));
  CHECK(refused("use_dora", false).empty());
  CHECK(refused("init_lora_weights", "gaussian").empty());
  CHECK(contains(refused("r", "four"), "should be an integer"));
  write_config(dir.path(), {{"mh_adapter", true}});
  CHECK(contains(message_of([&] { peft::load_adapter(dir.path()); }), "AdapterHub"));
}

TEST_CASE("alpha edited in the configuration counts") {
  TempDir dir;
  Subject s("bert", "lora:r=4,alpha=8");
  save(dir.path(), s);
  Json config = engine::json_file(dir / "adapter_config.json");
  config["lora_alpha"] = 32;
  write_config(dir.path(), config);
  CHECK(contains(peft::load_adapter(dir.path()).spec, "alpha=32"));
}

TEST_CASE("any set of modules is found again from the names of its tensors") {
  TempDir dir;
  Subject s("bert", "lora:pattern=.*(0.attention.self.query|1.output.dense|pooler.dense)");
  save(dir.path(), s);
  Json config = engine::json_file(dir / "adapter_config.json");
  CHECK(config["target_modules"] ==
        Json({"0.attention.self.query", "1.output.dense", "pooler.dense"}));
  config["lora_alpha"] = 9;  // so that our own note of the spec is not used
  write_config(dir.path(), config);
  const auto file = peft::load_adapter(dir.path());
  Subject other("bert", file.spec);
  CHECK(other.strategy->matched() == s.strategy->matched());
}

TEST_CASE("a file that does not fit is one error that lists everything, and changes nothing") {
  const std::string layer = "base_model.model.bert.encoder.layer.0.attention.self.query.";
  TempDir dir;
  Subject s("bert", "lora:r=4");
  s.shake();
  save(dir.path(), s);
  rewrite(dir.path(), {layer + "lora_A.weight", "base_model.model.classifier.bias"},
          {{layer + "lora_C.weight", {2, 2}}, {layer + "lora_B.weight", {32, 3}}});
  const auto file = peft::load_adapter(dir.path());
  Subject other("bert", "lora:r=4");
  const Matrix before = other.logits();
  const std::string message = message_of([&] { peft::apply_adapter(file, *other.store, "abc"); });
  CHECK(contains(
      message, "no parameter for (1):\n  bert.encoder.layer.0.attention.self.query.lora_C.weight"));
  CHECK(contains(message, "not in the file (2):"));
  CHECK(contains(message, "classifier.bias"));
  CHECK(contains(message, "[32, 3] in the file, [32, 4] here"));
  CHECK(same_bits(before, other.logits()));
}

TEST_CASE("a file without a head is an error, or leaves a fresh one if that is wanted") {
  TempDir dir;
  Subject s("bert", "lora:r=4");
  save(dir.path(), s);
  rewrite(dir.path(), {"base_model.model.classifier.bias", "base_model.model.classifier.weight"},
          {});
  const auto file = peft::load_adapter(dir.path());
  Subject other("bert", file.spec);
  CHECK(contains(message_of([&] { peft::apply_adapter(file, *other.store, "abc"); }),
                 "classifier.weight"));
  CHECK_NOTHROW(peft::apply_adapter(file, *other.store, "abc", {.allow_missing_head = true}));
}

TEST_CASE("another base model is an error") {
  TempDir dir;
  Subject s("bert", "ia3");
  save(dir.path(), s, "0123");
  const auto file = peft::load_adapter(dir.path());
  Subject other("bert", file.spec);
  CHECK(contains(message_of([&] { peft::apply_adapter(file, *other.store, "4567"); }),
                 "another base model: tiny with hash 0123"));
  CHECK_NOTHROW(peft::apply_adapter(file, *other.store, ""));
}

TEST_CASE("a folder that is none") {
  TempDir dir;
  CHECK(contains(message_of([&] { peft::load_adapter(dir.path()); }), "adapter_config.json"));
  write_config(dir.path(), {{"peft_type", "LORA"}});
  CHECK(contains(message_of([&] { peft::load_adapter(dir.path()); }), "adapter_model.safetensors"));
  write_file(dir / "adapter_model.bin", "x");
  CHECK(contains(message_of([&] { peft::load_adapter(dir.path()); }),
                 "adapter_model.bin: is not what torch.save writes"));
}

TEST_CASE("PEFT's adapter_model.bin says the same as its safetensors file") {
  TempDir dir;
  fs::copy_file(golden("peft_fresh/lora/adapter_config.json"), dir / "adapter_config.json");
  fs::copy_file(golden("torch/adapter_model.bin"), dir / "adapter_model.bin");
  const auto torch = peft::load_adapter(dir.path()),
             safe = peft::load_adapter(golden("peft_fresh/lora"));
  CHECK(torch.spec == safe.spec);
  REQUIRE(torch.tensors.size() == safe.tensors.size());
  for (const auto& [name, tensor] : safe.tensors) {
    const auto& this_name = name;
    CAPTURE(this_name);
    const auto& other = torch.tensors.at(name);
    REQUIRE(other.bytes == tensor.bytes);
    CHECK(other.dims == tensor.dims);
    CHECK(std::memcmp(other.data, tensor.data, static_cast<size_t>(tensor.bytes)) == 0);
  }
}

// The LoRA authors' own file: names without base_model.model. and without .weight, and no
// configuration.
TEST_CASE("microsoft/LoRA's RoBERTa file") {
  const auto folder = shared_dir("models/roberta-base-lora-mnli-delta");
  if (!folder) return;
  CHECK(contains(message_of([&] { peft::load_adapter(*folder); }), "loralib"));
  CHECK(contains(message_of([&] { peft::load_adapter(*folder); }), "\"r\": 8"));
  TempDir dir;
  fs::create_symlink(fs::absolute(*folder / "adapter_model.safetensors"),
                     dir / "adapter_model.safetensors");
  write_config(dir.path(), {{"peft_type", "LORA"}, {"r", 8}, {"lora_alpha", 16}});
  const auto file = peft::load_adapter(dir.path());
  auto config = models::config_from_spec(
      "random:type=roberta,layers=12,hidden=768,heads=12,ffn=3072,vocab=50,positions=514", 50);
  models::set_labels(config, 3, {"a", "b", "c"});
  models::SequenceClassifier model(config);
  auto sites = model.sites();
  const auto strategy = peft::make_strategy(file.spec);
  peft::apply(*strategy, sites, model);
  CHECK(strategy->matched().size() == 24);  // query and value of 12 layers
  engine::ParameterStore store(model);
  store.allocate();
  peft::apply_adapter(file, store, "");
  const Parameter* b = store.find("roberta.encoder.layer.11.attention.self.value.lora_B.weight");
  REQUIRE(b != nullptr);
  CHECK(b->loaded);
  CHECK(b->value[0] != 0);
}
