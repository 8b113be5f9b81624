// Loading weights into a classifier: what is missing, misshapen, unexpected or under another name.
#include <set>

#include "tests/models/subject.h"

using namespace testing;
namespace fs = std::filesystem;

namespace {

std::set<std::string> as_set(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// A copy of a golden folder's model.safetensors whose tensors `edit` may change or, by returning
// false, leave out.
template <class Edit>
void copy_folder(const std::string& model, const fs::path& to, Edit&& edit) {
  fs::copy_file(model_folder(model) / "config.json", to / "config.json",
                fs::copy_options::overwrite_existing);
  const auto file = engine::Safetensors::open(model_folder(model) / "model.safetensors");
  std::vector<std::vector<Scalar>> memory;
  memory.reserve(file.tensors().size());
  std::vector<engine::TensorToSave> tensors;
  for (const auto& [name, tensor] : file.tensors()) {
    engine::TensorToSave save{.name = name, .dims = tensor.dims};
    if (!tensor.is_float() || !edit(save)) continue;
    memory.emplace_back(static_cast<size_t>(tensor.count()));
    tensor.read(memory.back().data());
    save.data = memory.back().data();
    tensors.push_back(std::move(save));
  }
  engine::write_safetensors(to / "model.safetensors", std::move(tensors), {{"format", "pt"}});
}

}  // namespace

TEST_CASE("a complete folder loads completely") {
  for (const std::string name : {"bert", "roberta", "electra", "distilbert", "bert-regression",
                                 "bert-sharded", "bert-f16", "bert-bf16"}) {
    CAPTURE(name);
    Subject subject(name);
    CHECK(subject.report.missing.empty());
    CHECK(subject.report.unexpected.empty());
    CHECK(subject.report.loaded.size() == subject.store->all().size());
    CHECK(subject.report.files.size() == (name == "bert-sharded" ? 2 : 1));
    for (const engine::Parameter* p : subject.store->all()) CHECK_MESSAGE(p->loaded, p->name);
  }
}

TEST_CASE("what a loader finds missing, unexpected or may ignore is load.json's") {
  for (const std::string name : {"bert-legacy", "bert-nohead"}) {
    CAPTURE(name);
    const Json golden = golden_json(name, "load.json");
    Subject subject(name);
    CHECK(as_set(subject.report.missing) ==
          as_set(golden["missing"].get<std::vector<std::string>>()));
    CHECK(as_set(subject.report.unexpected) ==
          as_set(golden["unexpected"].get<std::vector<std::string>>()));
    CHECK(as_set(subject.report.ignored) ==
          as_set(golden["ignored"].get<std::vector<std::string>>()));
    CHECK(subject.at("classifier.weight").loaded == false);
    CHECK(
        contains(subject.report.summary(), "start fresh (2): classifier.weight, classifier.bias"));
  }
}

TEST_CASE("old names and missing prefixes are found, and said") {
  Subject legacy("bert-legacy"), bare("bert-nohead");
  CHECK(legacy.report.source.at("bert.embeddings.LayerNorm.weight") ==
        "bert.embeddings.LayerNorm.gamma");
  CHECK(legacy.report.source.size() == 2 * (1 + 2 * 2));  // the LayerNorms
  CHECK(bare.report.prefix == "bert.");
  CHECK(bare.report.source.at("bert.pooler.dense.bias") == "pooler.dense.bias");
}

TEST_CASE(
    "a head in the file, but a fresh one wanted: the seed gives the same head as without a "
    "file's") {
  Subject a("bert-nohead", "frozen", {.seed = 4, .num_labels = 3}),
      b("bert-legacy", "lora:r=2", {.seed = 4, .num_labels = 3});
  CHECK(std::equal(a.at("classifier.weight").value, a.at("classifier.weight").value + 96,
                   b.at("classifier.weight").value));
}

TEST_CASE("a required weight that is missing is an error that names it") {
  for (const auto& [model, weight] :
       {std::pair{"bert", "bert.encoder.layer.1.output.dense.weight"},
        {"roberta", "roberta.embeddings.LayerNorm.bias"},
        {"electra", "electra.embeddings_project.weight"},
        {"distilbert", "distilbert.transformer.layer.0.ffn.lin1.bias"}}) {
    const auto& this_model = model;
    CAPTURE(this_model);
    TempDir folder;
    copy_folder(model, folder.path(),
                [&, name = weight](const engine::TensorToSave& t) { return t.name != name; });
    const std::string message = message_of([&] { Subject(folder.path().string()); });
    CHECK(contains(message, weight));
    CHECK(contains(message, "missing"));
    CHECK(contains(message, folder.path().string()));
  }
}

TEST_CASE("a misshapen weight is an error with both shapes") {
  TempDir folder;
  copy_folder("bert", folder.path(), [](engine::TensorToSave& t) {
    if (t.name == "bert.encoder.layer.0.intermediate.dense.weight") t.dims = {32, 64};
    return true;
  });
  const std::string message = message_of([&] { Subject(folder.path().string()); });
  CHECK(contains(message,
                 "bert.encoder.layer.0.intermediate.dense.weight is [64, 32] in the model and [32, "
                 "64] in the file"));
}

TEST_CASE("a head of another size is an error unless it may start fresh") {
  for (const auto& [model, head] : {std::pair{"bert", "classifier"},
                                    {"roberta", "classifier.out_proj"},
                                    {"electra", "classifier.out_proj"},
                                    {"distilbert", "classifier"}}) {
    const auto& this_model = model;
    CAPTURE(this_model);
    const std::string message =
        message_of([&, name = model] { Subject(name, "full", {.num_labels = 7}); });
    CHECK(contains(message, "the head has another size"));
    CHECK(contains(message, std::string(head) + ".weight is [7, 32] in the model and ["));
    Subject fresh(model, "full", {.num_labels = 7, .allow_head_mismatch = true});
    CHECK(fresh.report.mismatched.size() == 2);
    CHECK(fresh.logits(golden_batches(model)[0]).cols() == 7);
    // The first layer of a head with two has the same size whatever the classes are, so it is
    // loaded.
    if (std::string(model) == "roberta") CHECK(fresh.at("classifier.dense.weight").loaded);
    // The encoder is the file's all the same.
    Subject whole(model);
    CHECK(
        same_bits(fresh.hidden(golden_batches(model)[0]), whole.hidden(golden_batches(model)[0])));
  }
}

TEST_CASE("a checkpoint of another family is an error with advice") {
  TempDir folder;
  fs::copy_file(model_folder("roberta") / "model.safetensors", folder / "model.safetensors");
  fs::copy_file(model_folder("electra") / "config.json", folder / "config.json");
  const std::string message = message_of([&] { Subject(folder.path().string()); });
  CHECK(contains(message, "missing"));
  CHECK(contains(message, "hint:"));
}

TEST_CASE("a folder that is not a model says what was looked for") {
  TempDir folder;
  CHECK(contains(message_of([&] { models::open_model((folder / "nothing").string()); }),
                 "there is no " + (folder / "nothing").string()));
  CHECK(contains(message_of([&] { models::open_model(folder.path().string()); }),
                 "has no config.json"));
  fs::copy_file(model_folder("bert") / "config.json", folder / "config.json");
  CHECK(contains(message_of([&] { Subject(folder.path().string()); }), "model.safetensors"));
  write_file(folder / "pytorch_model.bin", "PK");
  CHECK(contains(message_of([&] { Subject(folder.path().string()); }), "pytorch_model.bin"));
  CHECK(message_of([&] { Subject(folder.path().string()); }).size() > 80);  // with advice
}

TEST_CASE("a bare config.json starts every weight fresh") {
  Subject subject((model_folder("bert") / "config.json").string());
  CHECK(subject.report.missing.size() == subject.store->all().size());
  CHECK(!subject.source.has_weights());
  CHECK(std::isfinite(subject.loss(golden_batches("bert")[0])));
}

TEST_CASE("frozen float weights stay in the read-only file" * doctest::skip(kDouble)) {
  Subject frozen("bert", "frozen"), full("bert", "full"), half("bert-f16", "frozen");
  // All but the head (3 x 32 + 3), which trains.
  CHECK(frozen.report.borrowed_bytes == 4 * (frozen.store->total_count() - 99));
  CHECK(frozen.report.owned_bytes == 4 * 99);
  CHECK(full.report.borrowed_bytes == 0);
  CHECK(half.report.borrowed_bytes == 0);
}
