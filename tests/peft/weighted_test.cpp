// Sums of LoRA adapters against those that real PEFT made (tools/goldens/peft_weighted.py), and
// what is refused.
#include "peft/weighted.h"

#include <set>

#include "peft/adapter_file.h"
#include "tests/peft/support.h"

using namespace testing;
using engine::Json;
namespace fs = std::filesystem;

namespace {

peft::WeightedAdapter open(const fs::path& folder, const std::string& name, double weight = 1) {
  return {name, peft::load_adapter(folder, peft::Fused::joined), weight};
}

fs::path sums(const std::string& name) { return golden("peft_weighted") / name; }

Matrix values(const peft::AdapterFile& file, const std::string& name) {
  const engine::SafeTensor& tensor = file.tensors.at(name);
  Matrix out(tensor.dims.at(0), tensor.dims.at(1));
  tensor.read(out.data());
  return out;
}

// The update of a layer as one matrix.
Matrix product(const peft::AdapterFile& file, const std::string& a, const std::string& b) {
  return values(file, b) * values(file, a);
}

void save_as_tiny(const fs::path& folder, Subject& s, const std::string& hash = "abc") {
  peft::save_adapter(folder, *s.strategy, *s.store, {.base_model = "tiny", .base_hash = hash},
                     s.sites);
}

std::string refusal(const std::vector<peft::WeightedAdapter>& adapters,
                    const std::string& how = "cat") {
  return message_of([&] { peft::add_weighted(adapters, peft::combination_from_name(how)); });
}

}  // namespace

TEST_CASE("linear, cat and svd are PEFT's add_weighted_adapter") {
  const Json all = engine::json_file(sums("sums.json"));
  for (const auto& [name, how] : all.items()) {
    const auto& this_name = name;
    CAPTURE(this_name);
    std::vector<peft::WeightedAdapter> adapters;
    for (size_t i = 0; i < how.at("adapters").size(); ++i) {
      const std::string adapter = how.at("adapters")[i];
      adapters.push_back(open(sums(adapter), adapter, how.at("weights")[i].get<double>()));
    }
    const std::string kind = how.at("combination_type");
    const peft::AdapterFile sum =
        peft::add_weighted(adapters, peft::combination_from_name(kind),
                           engine::get_or<int64_t>(how, "svd_rank", 0, "sums.json"));
    const peft::AdapterFile wanted = peft::load_adapter(sums(name));
    CHECK(sum.config.at("r") == wanted.config.at("r"));
    CHECK(sum.config.at("lora_alpha") == wanted.config.at("lora_alpha"));
    CHECK(std::set<std::string>(sum.config.at("target_modules").begin(),
                                sum.config.at("target_modules").end()) ==
          std::set<std::string>(wanted.config.at("target_modules").begin(),
                                wanted.config.at("target_modules").end()));
    REQUIRE(sum.tensors.size() == wanted.tensors.size());
    for (const auto& [key, tensor] : wanted.tensors) {
      CAPTURE(tensor.name);
      CHECK(sum.tensors.at(key).dims == tensor.dims);
      std::string b = key;
      const size_t at = b.find("_A");
      if (at == std::string::npos) continue;
      b[at + 1] = 'B';
      CHECK(difference(product(sum, key, b), product(wanted, key, b)) < 2e-6);
      if (kind == "svd") continue;  // singular vectors have no sign
      CHECK(difference(values(sum, key), values(wanted, key)) < 1e-6);
      CHECK(difference(values(sum, b), values(wanted, b)) < 1e-6);
    }
    // What is written is a PEFT file that says the same.
    TempDir dir;
    peft::write_adapter(dir.path(), sum);
    const peft::AdapterFile again = peft::load_adapter(dir.path());
    CHECK(again.spec == sum.spec);
    CHECK(again.spec == wanted.spec);
    for (const auto& [key, tensor] : sum.tensors)
      CHECK(same_bits(values(again, key), values(sum, key)));
  }
}

TEST_CASE("an exact sum computes what both updates compute") {
  for (const std::string type : {"bert", "roberta", "distilbert"}) {
    CAPTURE(type);
    TempDir dir;
    Subject one(type, "lora:r=2,alpha=6"), two(type, "lora:r=3,rslora=true,roles=key+ffn_in");
    one.shake();
    two.shake(0.2);
    save_as_tiny(dir / "a", one);
    save_as_tiny(dir / "b", two);
    const peft::AdapterFile sum = peft::add_weighted(
        {open(dir / "a", "a", 0.5), open(dir / "b", "b", -2)}, peft::Combination::cat);
    CHECK(sum.base_hash == "abc");
    Subject added(type, sum.spec), merged(type, sum.spec);
    peft::apply_adapter(sum, *added.store, "abc");
    peft::apply_adapter(sum, *merged.store, "abc");
    merged.strategy->merge(*merged.store);
    // Scaled by hand: B of one times 0.5, B of two times -2, side by side at other roles.
    for (auto [subject, weight] : {std::pair{&one, 0.5}, {&two, -2.0}})
      for (Parameter* p : subject->store->all())
        if (p->name.ends_with("lora_B.weight"))
          for (int64_t i = 0; i < p->count(); ++i) p->value[i] *= static_cast<Scalar>(weight);
    one.strategy->merge(*one.store);
    for (Parameter* p : two.store->all())
      if (p->role != Role::injected && !p->trainable)
        if (const Parameter* other = one.store->find(p->name); !p->name.ends_with("bias"))
          std::copy_n(other->value, p->count(), two.store->own(*p));
    CHECK(difference(added.logits(), two.logits()) < 1e-5);
    CHECK(difference(merged.logits(), two.logits()) < 1e-5);
  }
}

TEST_CASE("one head stays, two are refused; so is what is no plain LoRA of the same base") {
  TempDir dir;
  Subject one("bert", "lora:r=2"), other("bert", "lora:r=2");
  one.shake();
  save_as_tiny(dir / "a", one);
  save_as_tiny(dir / "same", one);
  const peft::AdapterFile sum = peft::add_weighted(
      {open(dir / "a", "a"), open(dir / "same", "same")}, peft::Combination::svd);
  CHECK(sum.config.at("r") == 2);
  CHECK(sum.tensors.contains("classifier.weight"));
  for (Parameter* p : other.store->all())
    if (p->role == Role::head) p->value[0] += Scalar(0.5);
  save_as_tiny(dir / "b", other);
  const std::string heads = refusal({open(dir / "a", "a"), open(dir / "b", "b")});
  CHECK(contains(heads, "adapters a and b: each have a classifier."));
  CHECK(contains(heads, "--adapter-column"));

  save_as_tiny(dir / "elsewhere", one, "def");
  CHECK(contains(refusal({open(dir / "a", "a"), open(dir / "elsewhere", "e")}),
                 "adapter e: was trained on another base model"));
  Subject four("bert", "lora:r=4");
  save_as_tiny(dir / "four", four);
  CHECK(contains(refusal({open(dir / "a", "a"), open(dir / "four", "four")}, "linear"),
                 "adapter four: has rank 4, a has 2; linear needs equal ranks"));
  for (const auto& [spec, message] : {std::pair<std::string, std::string>{"lora:dora=true", "DoRA"},
                                      {"lora:bias=all", "trained biases"},
                                      {"ia3", "is IA3; only LoRA"},
                                      {"bitfit", "is bitfit; only LoRA"}}) {
    CAPTURE(spec);
    Subject s("bert", spec);
    save_as_tiny(dir / "other", s);
    CHECK(contains(refusal({open(dir / "a", "a"), open(dir / "other", "o")}), message));
  }
  CHECK(contains(refusal({open(dir / "a", "a")}, "ties"), "linear, cat and svd"));
}
