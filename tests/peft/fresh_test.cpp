// Weights that the base model lacks and that were drawn (the pooler of a masked language model):
// they are in the adapter, as PEFT's modules_to_save, so that whoever opens it gets the same model.
// The goldens are adapters that real PEFT wrote (tools/goldens/peft_fresh.py).
#include "engine/io/safetensors.h"
#include "peft/adapter_file.h"
#include "tests/peft/support.h"

using namespace testing;
using engine::Json;
namespace fs = std::filesystem;

namespace {

const fs::path kGoldens = "peft_fresh";

fs::path fresh(const std::string& name) { return golden((kGoldens / name).string()); }

// A base without pooler (`base`) or without a decoder's head (`decoder`), as a classifier whose
// fresh weights come from `seed`.
struct Fresh {
  models::SequenceClassifier model;
  engine::Sites sites;
  std::unique_ptr<peft::Strategy> strategy;
  std::unique_ptr<engine::ParameterStore> store;

  static models::ModelConfig config(const std::string& base = "base") {
    const fs::path path = fresh(base + "/config.json");
    auto config = models::config_from_json(engine::json_file(path), path.string());
    config.set_dropout(0);
    models::set_labels(config, 3, {});
    return config;
  }

  Fresh(const std::string& spec, uint64_t seed, const std::string& base = "base")
      : model(config(base)), sites(model.sites()), strategy(peft::make_strategy(spec)) {
    peft::apply(*strategy, sites, model);
    store = std::make_unique<engine::ParameterStore>(model);
    store->allocate();
    engine::load_checkpoint(fresh(base), *store);
    store->initialise(seed);
  }

  // As after some training: nothing that is trained is as it was.
  void train() {
    engine::Random random(5);
    for (Parameter* p : store->trainable())
      for (int64_t i = 0; i < p->count(); ++i)
        p->value[i] += static_cast<Scalar>(0.3 * (random.uniform() - 0.5));
  }

  std::vector<std::vector<double>> logits() {
    engine::TokenBatch batch;
    const Json sequences = engine::json_file(fresh("logits.json")).at("sequences");
    for (const auto& ids : sequences) {
      for (const int32_t id : ids) {
        batch.ids.push_back(id);
        batch.types.push_back(0);
      }
      batch.segments.add(static_cast<int64_t>(ids.size()));
    }
    engine::Workspace workspace;
    engine::Graph g(workspace, {.record = false});
    const engine::Tensor y = model.logits(g, batch);
    std::vector<std::vector<double>> rows;
    for (int64_t i = 0; i < y.rows(); ++i) {
      rows.emplace_back();
      for (int64_t j = 0; j < y.cols(); ++j)
        rows.back().push_back(static_cast<double>(y.data()[i * y.cols() + j]));
    }
    return rows;
  }
};

double largest_difference(const std::vector<std::vector<double>>& a,
                          const std::vector<std::vector<double>>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a[i].size(); ++j) most = std::max(most, std::abs(a[i][j] - b[i][j]));
  return most;
}

std::vector<std::string> keys_of(const fs::path& folder) {
  std::vector<std::string> keys;
  const auto file = engine::Safetensors::open(folder / "adapter_model.safetensors");
  for (const auto& [name, tensor] : file.tensors()) keys.push_back(name);
  return keys;
}

}  // namespace

TEST_CASE("adapters of PEFT on a base without pooler or head give PEFT's logits") {
  const Json goldens = engine::json_file(fresh("logits.json")).at("logits");
  for (const std::string name :
       {"lora", "lora_all", "lora_only", "ia3", "score_lora", "score_ia3"}) {
    const auto& this_name = name;
    CAPTURE(this_name);
    const peft::AdapterFile file = peft::load_adapter(fresh(name));
    const std::string base =
        engine::json_file(fresh(name) / "adapter_config.json").at("base_model_name_or_path");
    for (const uint64_t seed : {1, 2}) {
      Fresh s(file.spec, seed, base);
      peft::apply_adapter(file, *s.store, "");
      CHECK(s.store->fresh().empty());
      CHECK(largest_difference(s.logits(), goldens.at(name)) < 1e-5);
      s.strategy->merge(*s.store);
      CHECK(largest_difference(s.logits(), goldens.at(name)) < 1e-5);
    }
  }
  CHECK(peft::load_adapter(fresh("lora_only")).spec.find("bias=lora_only") != std::string::npos);
  CHECK(peft::load_adapter(fresh("lora_all")).spec.find("bias=all") != std::string::npos);
}

TEST_CASE("our adapters hold what was drawn, whatever the strategy and its format") {
  for (const std::string spec :
       {"lora:r=2", "lora:r=2+bitfit", "lora:r=2,bias=lora_only", "ia3",
        "prefix:length=2,flat=true", "bitfit", "frozen", "adapter:size=2", "top:layers=1"}) {
    CAPTURE(spec);
    TempDir dir;
    Fresh one(spec, 1);
    one.train();
    peft::save_adapter(dir.path(), *one.strategy, *one.store, {.base_model = "base"}, one.sites);
    const auto keys = keys_of(dir.path());
    CHECK(std::count_if(keys.begin(), keys.end(), [](const std::string& key) {
            return key.find("pooler.dense.") != std::string::npos;
          }) == 2);

    const peft::AdapterFile file = peft::load_adapter(dir.path());
    Fresh other(file.spec, 2);
    peft::apply_adapter(file, *other.store, "");
    CHECK(other.store->fresh().empty());
    CHECK(largest_difference(one.logits(), other.logits()) < 1e-6);

    // An adapter that started from an adapter holds it as well.
    TempDir again;
    peft::save_adapter(again.path(), *other.strategy, *other.store, {.base_model = "base"},
                       other.sites);
    CHECK(keys_of(again.path()) == keys);
  }
}

TEST_CASE("a configuration names the fresh modules as PEFT's modules_to_save") {
  for (const std::string spec : {"lora:r=2", "lora:r=2+bitfit", "ia3"}) {
    TempDir dir;
    Fresh s(spec, 1);
    peft::save_adapter(dir.path(), *s.strategy, *s.store, {.base_model = "base"}, s.sites);
    const Json config = engine::json_file(dir / "adapter_config.json");
    CHECK(config.at("modules_to_save") == Json({"bert.pooler.dense", "classifier"}));
    for (const auto& key : keys_of(dir.path())) {
      CHECK(key.find("modules_to_save") == std::string::npos);
      CHECK(key.find("original_module") == std::string::npos);
    }
  }
  // A base that has its pooler: nothing but what was trained.
  TempDir dir;
  Subject s("bert", "lora:r=2");
  peft::save_adapter(dir.path(), *s.strategy, *s.store, {.base_model = "tiny"}, s.sites);
  for (const auto& key : keys_of(dir.path())) CHECK(key.find("pooler") == std::string::npos);
  CHECK(engine::json_file(dir / "adapter_config.json").at("modules_to_save") ==
        Json({"classifier"}));
}

TEST_CASE("what a decoder's adapter holds is read back onto a head of another seed") {
  for (const std::string spec : {"lora:r=2", "ia3", "norm", "top:layers=1"}) {
    CAPTURE(spec);
    TempDir dir;
    Fresh one(spec, 1, "decoder");
    one.train();
    peft::save_adapter(dir.path(), *one.strategy, *one.store, {.base_model = "decoder"}, one.sites);
    const peft::AdapterFile file = peft::load_adapter(dir.path());
    Fresh other(file.spec, 2, "decoder");
    peft::apply_adapter(file, *other.store, "");
    CHECK(other.store->fresh().empty());
    CHECK(largest_difference(one.logits(), other.logits()) < 1e-6);
  }
}

TEST_CASE("fresh weights have names, until something gives them values") {
  Fresh s("lora:r=2", 1);
  CHECK(s.store->fresh() == std::vector<std::string>{"bert.pooler.dense.weight",
                                                     "bert.pooler.dense.bias", "classifier.weight",
                                                     "classifier.bias"});
  // A model that is random altogether has no base: nothing in it is fresh beside something.
  models::SequenceClassifier model(Fresh::config());
  engine::ParameterStore store(model);
  store.allocate();
  store.initialise(1);
  CHECK(store.fresh().empty());
}

TEST_CASE("keys of older PEFT: modules_to_save alone, and beside its original") {
  TempDir dir;
  fs::copy(fresh("lora_all"), dir.path(), fs::copy_options::recursive);
  const auto path = dir / "adapter_model.safetensors";
  std::vector<std::vector<Scalar>> memory;
  std::vector<engine::TensorToSave> tensors;
  {
    const auto file = engine::Safetensors::open(path);
    for (const auto& [key, tensor] : file.tensors()) {
      std::string name = key;
      if (name == "base_model.model.classifier.bias") continue;  // only under modules_to_save
      if (name == "base_model.model.classifier.weight")
        name = "base_model.model.classifier.modules_to_save.weight";
      memory.emplace_back(static_cast<size_t>(tensor.count()));
      tensor.read(memory.back().data());
      tensors.push_back({name, tensor.dims, memory.back().data(), engine::DType::F32, false});
    }
  }
  engine::write_safetensors(path, tensors, {{"format", "pt"}});
  const peft::AdapterFile file = peft::load_adapter(dir.path());
  Fresh s(file.spec, 3);
  peft::apply_adapter(file, *s.store, "");
  const Json goldens = engine::json_file(fresh("logits.json")).at("logits");
  CHECK(largest_difference(s.logits(), goldens.at("lora_all")) < 1e-5);
}
