// Checkpoints that cannot be loaded: each says why and what to do, and leaves the model as it was.
#include "engine/base/error.h"
#include "engine/io/checkpoint.h"
#include "tests/engine/io/tiny_model.h"
#include "tests/support/says.h"

using namespace engine;
using namespace testing;

namespace {

void write_one(const std::filesystem::path& path, const std::string& name,
               std::vector<int64_t> dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  const auto data = counted(n, 1);
  write_safetensors(path, {{name, std::move(dims), data.data()}}, {});
}

std::string message(const std::filesystem::path& path, const LoadOptions& options = {},
                    int64_t classes = 2) {
  TinyBert m("bert.", classes);
  try {
    load_checkpoint(path, *m.store, options);
  } catch (const Error& e) {
    for (const Parameter* p : m.store->all()) {
      CHECK_FALSE(p->loaded);
      if (!p->trainable) CHECK(p->value == nullptr);
    }
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("nothing there") {
  const TempDir dir;
  says(message(dir / "none"), "none: there is no such checkpoint file or folder");
  says(message(dir.path()),
       "holds neither model.safetensors nor model.safetensors.index.json nor "
       "pytorch_model.bin\nhint: a checkpoint folder has config.json");
  write_file(dir / "adapter_config.json", "{}");
  says(message(dir.path()),
       "hint: it is an adapter, not a model; name the folder of its base model");
}

TEST_CASE("a file of torch.save that is none") {
  const TempDir dir;
  write_file(dir / "pytorch_model.bin", "x");
  for (const auto& path : {dir.path(), dir / "pytorch_model.bin"})
    says(message(path), "pytorch_model.bin: is not what torch.save writes");
  write_one(dir / "model.safetensors", "a", {1});
  says(message(dir.path()),
       "5 of the model's 5 parameters are missing");  // the safetensors file is preferred
}

TEST_CASE("a broken index") {
  const TempDir dir;
  const auto index = dir / "model.safetensors.index.json";
  write_file(index, "{");
  says(message(dir.path()), "index.json: not valid JSON");
  write_file(index, "{}");
  says(message(dir.path()), "\"weight_map\" is missing or not an object");
  write_file(index, R"({"weight_map":{"a":3}})");
  says(message(dir.path()), "\"weight_map\": the file of a is not a string");
  write_file(index, R"({"weight_map":{"a":"../secret.safetensors"}})");
  says(message(dir.path()),
       "the file of a should lie beside the index, found '../secret.safetensors'");
  write_file(index, R"({"weight_map":{"a":"model-00001-of-00002.safetensors"}})");
  says(message(dir.path()),
       "the shard model-00001-of-00002.safetensors is missing\nhint: the index names it for a; was "
       "everything "
       "downloaded?");
  write_one(dir / "model-00001-of-00002.safetensors", "b", {1});
  says(message(dir.path()), "promises a in model-00001-of-00002.safetensors, where it is not");
}

TEST_CASE("a damaged file is named") {
  const TempDir dir;
  write_file(dir / "model.safetensors", "abc");
  says(message(dir.path()), "model.safetensors: has 3 bytes and is no safetensors file");
}

TEST_CASE("missing parameters are counted, and some are named") {
  const TempDir dir;
  write_one(dir / "model.safetensors", "vit.patch.weight", {1});
  says(message(dir.path()),
       "5 of the model's 5 parameters are missing: bert.embeddings.word_embeddings.weight, "
       "bert.embeddings.LayerNorm.weight");
  says(
      message(dir.path()),
      "no name fits; the file holds, for instance, vit.patch.weight: is it of another model type?");
  write_one(dir / "model.safetensors", "bert.embeddings.word_embeddings.weight", {5, 4});
  says(message(dir.path()), "4 of the model's 5 parameters are missing");
  says(message(dir.path()), "hint: the checkpoint is incomplete");

  TinyModel large;
  for (int i = 0; i < 20; ++i) large.add("bert.layer." + std::to_string(i) + ".weight", {1});
  ParameterStore store(large);
  store.allocate();
  CHECK_THROWS_WITH_AS(load_checkpoint(dir.path(), store),
                       doctest::Contains("bert.layer.5.weight, and 14 more\n"), Error);
}

TEST_CASE("parameters of another shape") {
  const TempDir dir;
  TinyBert m;
  m.store->initialise(1);
  save_model(dir.path(), *m.store);
  TinyModel other;
  other.add("bert.embeddings.word_embeddings.weight", {9, 4}, Role::embedding);
  other.add("bert.encoder.layer.0.attention.self.query.bias",
            {1, 4});  // a matrix of one row is not a vector
  ParameterStore store(other);
  store.allocate();
  CHECK_THROWS_WITH_AS(
      load_checkpoint(dir.path(), store),
      doctest::Contains(
          "2 of the model's 2 parameters have another shape:\n"
          "  bert.embeddings.word_embeddings.weight is [9, 4] in the model and [5, 4] in the file\n"
          "  bert.encoder.layer.0.attention.self.query.bias is [1, 4] in the model and [4] in the "
          "file\n"
          "hint: does config.json belong to this checkpoint?"),
      Error);
}

TEST_CASE("a head of another size is an error unless it is allowed") {
  const TempDir dir;
  TinyBert m;
  m.store->initialise(1);
  save_model(dir.path(), *m.store);
  const std::string text = message(dir.path(), {}, 3);
  says(text,
       "the head has another size:\n  classifier.weight is [3, 4] in the model and [2, 4] in the "
       "file");
  says(text,
       "hint: it was trained for another task or number of classes; to start with a fresh head, "
       "allow a head mismatch");
  CHECK(message(dir.path(), {.allow_head_mismatch = true}, 3) == "no error");
}

TEST_CASE("a tensor of whole numbers is no parameter") {
  const TempDir dir;
  std::string header = R"({"w":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})";
  const uint64_t length = header.size();
  write_file(dir / "m.safetensors",
             std::string(reinterpret_cast<const char*>(&length), 8) + header + "12345678");
  TinyModel model;
  Parameter& p = model.add("w", {1});
  ParameterStore store(model);
  store.allocate();
  CHECK_THROWS_WITH_AS(load_checkpoint(dir / "m.safetensors", store),
                       doctest::Contains("tensor w: is I64; floating-point values"), Error);
  const Checkpoint checkpoint(dir / "m.safetensors");
  CHECK_THROWS_WITH_AS(load_parameter(*checkpoint.find("w"), p, store),
                       doctest::Contains("tensor w: is I64"), Error);
}

TEST_CASE("one parameter from one tensor") {
  const TempDir dir;
  write_one(dir / "m.safetensors", "lora", {2, 3});
  TinyModel model;
  Parameter& p = model.add("w", {3, 2});
  ParameterStore store(model);
  store.allocate();
  const Checkpoint checkpoint(dir / "m.safetensors");
  CHECK_THROWS_WITH_AS(load_parameter(*checkpoint.find("lora"), p, store),
                       doctest::Contains("tensor lora: has the shape [2, 3], but w needs [3, 2]"),
                       Error);
  p.transposed_in_file = true;
  CHECK_FALSE(load_parameter(*checkpoint.find("lora"), p, store));
  CHECK(values_of(p) == std::vector<Scalar>{100, 103, 101, 104, 102, 105});
}

TEST_CASE("saving what has no value, or where there is no room for a folder") {
  const TempDir dir;
  TinyBert m;
  CHECK_THROWS_WITH_AS(
      save_model(dir / "x", *m.store),
      doctest::Contains("has no value yet\nhint: load or initialise before saving"), Error);
  m.store->initialise(1);
  write_file(dir / "file", "");
  CHECK_THROWS_WITH_AS(save_model(dir / "file/x", *m.store), doctest::Contains("cannot be made"),
                       Error);
}
