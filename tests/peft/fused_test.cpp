// Strategies at a fused layer: one Linear whose columns are query, key and value (GPT-2's c_attn).
#include <map>

#include "engine/io/safetensors.h"
#include "engine/nn/parameter_store.h"
#include "engine/ops/elementwise.h"
#include "peft/adapter_file.h"
#include "peft/sites.h"
#include "tests/peft/support.h"

using namespace testing;
using engine::Graph;
using engine::Linear;
using engine::Tensor;

namespace {

struct Net : engine::Module {
  Net() { qkv.weight.transposed_in_file = true; }
  Linear qkv{*this, "h.0.attn.c_attn", 4, {{Role::query, 4}, {Role::key, 2}, {Role::value, 2}}, 0};
  Linear output{*this, "h.0.attn.c_proj", 8, 4, Role::attention_output, 0};
  Tensor operator()(Graph& g, const Tensor& x) { return output(g, qkv(g, x)); }
};

struct Tuned {
  explicit Tuned(const std::string& spec) : strategy(peft::make_strategy(spec)) {
    sites = engine::collect_sites(net);
    sites.model_type = "toy";
    sites.layers = 1;
    peft::apply(*strategy, sites, net);
    store = std::make_unique<engine::ParameterStore>(net);
    store->allocate();
    store->initialise(1);
    for (Parameter* p : store->all())
      if (p->role != Role::injected && p->role != Role::head) {
        engine::Random random(engine::name_key(p->name));
        Scalar* to = store->own(*p);
        for (int64_t i = 0; i < p->count(); ++i) to[i] = static_cast<Scalar>(random.normal());
      }
  }
  void shake() {
    for (Parameter* p : store->all()) {
      if (p->role != Role::injected) continue;
      engine::Random random(engine::name_key(p->name));
      for (int64_t i = 0; i < p->count(); ++i)
        p->value[i] = static_cast<Scalar>(0.3 * random.normal());
    }
  }
  // The fused layer's output for some input.
  Matrix fused() {
    Graph g(workspace, {.record = false});
    const Tensor x = g.make({3, 4});
    for (int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<Scalar>(i % 5) - 2;
    return net.qkv(g, x).mat();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Parameter* p : store->all())
      if (p->role == Role::injected) all.push_back(p->name);
    return all;
  }

  engine::Workspace workspace;
  Net net;
  engine::Sites sites;
  std::unique_ptr<peft::Strategy> strategy;
  std::unique_ptr<engine::ParameterStore> store;
};

}  // namespace

TEST_CASE("all roles of a fused layer, or a pattern, are the layer itself") {
  for (const std::string spec : {"lora:r=2,roles=query+key+value", "lora:r=2,pattern=.*c_attn"}) {
    Tuned t(spec);
    CHECK(t.names() == std::vector<std::string>{"h.0.attn.c_attn.lora_A.weight",
                                                "h.0.attn.c_attn.lora_B.weight"});
    CHECK(t.store->find("h.0.attn.c_attn.lora_B.weight")->dims == std::vector<int64_t>{8, 2});
  }
}

TEST_CASE(
    "some roles of a fused layer are updates of their columns only, with names of their own") {
  Tuned t("lora:r=2");  // query and value
  CHECK(t.names() == std::vector<std::string>{"h.0.attn.c_attn.query.lora_A.weight",
                                              "h.0.attn.c_attn.query.lora_B.weight",
                                              "h.0.attn.c_attn.value.lora_A.weight",
                                              "h.0.attn.c_attn.value.lora_B.weight"});
  CHECK(t.store->find("h.0.attn.c_attn.value.lora_B.weight")->dims == std::vector<int64_t>{2, 2});
  const Matrix before = Tuned("frozen").fused();
  CHECK(same_bits(before, t.fused()));
  t.shake();
  const Matrix after = t.fused();
  CHECK(before.middleCols(4, 2) == after.middleCols(4, 2));  // keys
  CHECK(before.leftCols(4) != after.leftCols(4));
  CHECK(before.rightCols(2) != after.rightCols(2));
  t.strategy->merge(*t.store);
  CHECK(difference(after, t.fused()) < (kDouble ? 1e-12 : 1e-5));
  CHECK(Tuned("lora:r=2,roles=key+value").names().front() ==
        "h.0.attn.c_attn.key_value.lora_A.weight");  // neighbours: one update
}

TEST_CASE("a fused layer in files: updates of some columns are joined to one of all") {
  const TempDir dir;
  Tuned whole("lora:r=2,roles=query+key+value");
  whole.shake();
  peft::save_adapter(dir / "whole", *whole.strategy, *whole.store, {}, whole.sites);
  const auto config = engine::json_file(dir / "whole" / "adapter_config.json");
  CHECK(config["peft_type"] == "LORA");
  CHECK(config["fan_in_fan_out"] == true);
  CHECK(config["target_modules"] == engine::Json{"c_attn"});

  Tuned part("lora:r=2");
  part.shake();
  peft::save_adapter(dir / "part", *part.strategy, *part.store, {}, part.sites);
  const auto joined = engine::json_file(dir / "part" / "adapter_config.json");
  CHECK(joined["peft_type"] == "LORA");
  CHECK(joined["target_modules"] == engine::Json{"c_attn"});
  CHECK(joined["r"] == 4);  // two updates of rank 2, and alpha grows so that the scale stays
  CHECK(joined["lora_alpha"] == 16);
  for (Tuned* t : {&whole, &part}) {
    const auto file = peft::load_adapter(dir / (t == &whole ? "whole" : "part"));
    Tuned again(file.spec);
    peft::apply_adapter(file, *again.store, "");
    CHECK(difference(t->fused(), again.fused()) < 1e-6);
  }
}

namespace {

// What PEFT makes of a file: W x + b + scale B A x, by what the configuration says.
Matrix by_peft(const std::filesystem::path& folder) {
  const auto config = engine::json_file(folder / "adapter_config.json");
  const auto file = engine::Safetensors::open(folder / "adapter_model.safetensors");
  const auto read = [&](const char* name) {
    const auto& t = file.at(std::string("base_model.model.h.0.attn.c_attn.") + name);
    Matrix m(t.dims[0], t.dims[1]);
    t.read(m.data());
    return m;
  };
  const double r = config["r"], alpha = config["lora_alpha"];
  const auto scale = static_cast<Scalar>(alpha / (config["use_rslora"] ? std::sqrt(r) : r));
  Tuned plain("frozen");
  engine::Parameter& w = *plain.store->find("h.0.attn.c_attn.weight");
  engine::Tensor(w.shape, w.value).mat() += scale * read("lora_B.weight") * read("lora_A.weight");
  return plain.fused();
}

}  // namespace

TEST_CASE("joined updates are the same update, and are read back as what they were") {
  for (const std::string spec :
       {"lora:r=2,roles=query+value", "lora:r=3,alpha=5,roles=key+value",
        "lora:r=2,rslora=true,roles=query+value", "lora:r=2,roles=query",
        "lora:r=2,roles=query+value+attention_output,alpha_pattern={\"c_attn\":3}"}) {
    CAPTURE(spec);
    const TempDir dir;
    Tuned t(spec);
    t.shake();
    peft::save_adapter(dir.path(), *t.strategy, *t.store, {}, t.sites);
    if (spec.find("output") == std::string::npos)
      CHECK(difference(t.fused(), by_peft(dir.path())) < 1e-5);
    const auto file = peft::load_adapter(dir.path());
    CHECK(file.spec == t.strategy->spec());
    Tuned again(file.spec);
    peft::apply_adapter(file, *again.store, "");
    CHECK(difference(t.fused(), again.fused()) < 1e-6);
  }
}

TEST_CASE("joined updates that were trained as one are read as one") {
  const TempDir dir;
  Tuned t("lora:r=2");
  t.shake();
  peft::save_adapter(dir.path(), *t.strategy, *t.store, {}, t.sites);
  const auto path = dir / "adapter_model.safetensors";
  std::vector<std::vector<Scalar>> memory;
  std::vector<engine::TensorToSave> tensors;
  engine::Metadata metadata;
  {
    const auto file = engine::Safetensors::open(path);
    metadata = file.metadata();
    for (const auto& [name, tensor] : file.tensors()) {
      memory.emplace_back(static_cast<size_t>(tensor.count()));
      tensor.read(memory.back().data());
      if (name.ends_with("lora_B.weight")) memory.back()[2] = 1;  // queries by the values' A
      tensors.push_back({name, tensor.dims, memory.back().data(), engine::DType::F32, false});
    }
  }
  engine::write_safetensors(path, tensors, metadata);
  const auto file = peft::load_adapter(dir.path());
  Tuned again(file.spec);
  CHECK(again.strategy->matched() == std::vector<std::string>{"h.0.attn.c_attn"});
  peft::apply_adapter(file, *again.store, "");
  CHECK(difference(again.fused(), by_peft(dir.path())) < 1e-5);
}
