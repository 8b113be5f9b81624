#include "engine/io/checkpoint.h"

#include "engine/base/error.h"
#include "engine/io/json.h"
#include "tests/engine/io/tiny_model.h"

using namespace engine;
using namespace testing;

namespace {

// The tensors of a tiny BERT as a file has them, numbered in this order; renamed by `rename`.
struct TinyFile {
  std::vector<std::pair<std::string, std::vector<int64_t>>> tensors{
      {"bert.embeddings.word_embeddings.weight", {5, 4}},
      {"bert.embeddings.LayerNorm.weight", {4}},
      {"bert.embeddings.LayerNorm.bias", {4}},
      {"bert.encoder.layer.0.attention.self.query.weight", {4, 4}},
      {"bert.encoder.layer.0.attention.self.query.bias", {4}},
      {"classifier.weight", {2, 4}},
      {"classifier.bias", {2}}};

  void replace(const std::string& from, const std::string& to) {
    for (auto& [name, dims] : tensors)
      if (const size_t at = name.find(from); at != std::string::npos)
        name.replace(at, from.size(), to);
  }
  void remove(const std::string& part) {
    std::erase_if(tensors, [&](const auto& t) { return t.first.find(part) != std::string::npos; });
  }
  void write(const std::filesystem::path& path, DType dtype = DType::F32) const {
    std::vector<std::vector<Scalar>> data;
    std::vector<TensorToSave> out;
    for (size_t i = 0; i < tensors.size(); ++i) {
      int64_t n = 1;
      for (const int64_t d : tensors[i].second) n *= d;
      data.push_back(counted(n, static_cast<int64_t>(i)));
    }
    for (size_t i = 0; i < tensors.size(); ++i)
      out.push_back({tensors[i].first, tensors[i].second, data[i].data(), dtype});
    write_safetensors(path, out, {{"format", "pt"}});
  }
};

void check_base_loaded(const TinyBert& m, const std::string& prefix = "bert.") {
  CHECK(values_of(m[prefix + "embeddings.word_embeddings.weight"]) == counted(20, 0));
  CHECK(values_of(m[prefix + "embeddings.LayerNorm.weight"]) == counted(4, 1));
  CHECK(values_of(m[prefix + "embeddings.LayerNorm.bias"]) == counted(4, 2));
  CHECK(values_of(m[prefix + "encoder.layer.0.attention.self.query.weight"]) == counted(16, 3));
  CHECK(values_of(m[prefix + "encoder.layer.0.attention.self.query.bias"]) == counted(4, 4));
}

}  // namespace

TEST_CASE("a checkpoint with the model's own names") {
  const TempDir dir;
  TinyFile().write(dir / "model.safetensors");
  TinyBert m;
  const LoadReport report = load_checkpoint(dir.path(), *m.store);
  check_base_loaded(m);
  CHECK(values_of(m["classifier.weight"]) == counted(8, 5));
  CHECK(report.loaded.size() == 7);
  CHECK(report.missing.empty());
  CHECK(report.unexpected.empty());
  CHECK(report.source.empty());
  CHECK(report.prefix.empty());
  CHECK(report.files == std::vector<std::filesystem::path>{dir / "model.safetensors"});
  for (const Parameter* p : m.store->all()) CHECK(p->loaded);
  // The file itself works as well as its folder.
  TinyBert again;
  load_checkpoint(dir / "model.safetensors", *again.store);
  check_base_loaded(again);
}

TEST_CASE("frozen F32 values stay in the file, others are copied") {
  const TempDir dir;
  TinyFile().write(dir / "model.safetensors");
  TinyBert m;
  const LoadReport report = load_checkpoint(dir.path(), *m.store);
  const int64_t frozen = 20 + 4 + 4 + 16, trained = 4 + 8 + 2, size = sizeof(Scalar);
  CHECK(report.borrowed_bytes ==
        (size == 4 ? frozen * 4 : 0));  // the double build converts everything
  CHECK(report.owned_bytes == (size == 4 ? trained : frozen + trained) * size);
  // The values outlive the report: the store keeps the mapping.
  check_base_loaded(m);

  TinyBert copied;
  CHECK(load_checkpoint(dir.path(), *copied.store, {.borrow = false}).borrowed_bytes == 0);
  check_base_loaded(copied);
  copied["bert.embeddings.LayerNorm.weight"].value[0] = 7;  // own memory may be written
}

TEST_CASE("16-bit and 64-bit files are converted") {
  for (const DType dtype : {DType::F16, DType::BF16, DType::F64}) {
    const TempDir dir;
    TinyFile file;
    if (dtype == DType::BF16) file.tensors.resize(3);  // BF16 holds whole numbers to 256 only
    file.write(dir / "model.safetensors", dtype);
    if (dtype == DType::BF16) {
      const Checkpoint checkpoint(dir.path());
      TinyBert m;
      load_parameter(*checkpoint.find("bert.embeddings.LayerNorm.bias"),
                     m["bert.embeddings.LayerNorm.bias"], *m.store);
      CHECK(values_of(m["bert.embeddings.LayerNorm.bias"]) == counted(4, 2));
    } else {
      TinyBert m;
      load_checkpoint(dir.path(), *m.store);
      check_base_loaded(m);
    }
  }
}

TEST_CASE("the file leaves out the base model's prefix") {
  const TempDir dir;
  TinyFile file;
  file.replace("bert.", "");
  file.remove("classifier");
  file.write(dir / "model.safetensors");
  TinyBert m;
  const LoadReport report = load_checkpoint(dir.path(), *m.store);
  check_base_loaded(m);
  CHECK(report.prefix == "bert.");
  CHECK(report.source.at("bert.embeddings.LayerNorm.bias") == "embeddings.LayerNorm.bias");
  CHECK(report.missing == std::vector<std::string>{"classifier.weight", "classifier.bias"});
  CHECK_FALSE(m["classifier.weight"].loaded);
  m.store->initialise(1);
  check_base_loaded(m);  // initialise leaves alone what was loaded
}

TEST_CASE("only the file has a prefix") {
  const TempDir dir;
  TinyFile file;
  file.write(dir / "model.safetensors");
  TinyBert bare("");
  const LoadReport report = load_checkpoint(dir.path(), *bare.store);
  check_base_loaded(bare, "");
  CHECK(report.prefix == "+bert.");
  CHECK(values_of(bare["classifier.weight"]) == counted(8, 5));  // heads have no prefix

  file.replace("bert.", "module.bert.");
  file.replace("classifier", "module.classifier");
  file.write(dir / "model.safetensors");
  TinyBert wrapped;
  CHECK(load_checkpoint(dir.path(), *wrapped.store).prefix == "+module.");
  check_base_loaded(wrapped);
  CHECK(values_of(wrapped["classifier.weight"]) == counted(8, 5));
}

TEST_CASE("gamma and beta are a LayerNorm's weight and bias, and nobody else's") {
  const TempDir dir;
  TinyFile file;
  file.replace("LayerNorm.weight", "LayerNorm.gamma");
  file.replace("LayerNorm.bias", "LayerNorm.beta");
  file.write(dir / "model.safetensors");
  TinyBert m;
  const LoadReport report = load_checkpoint(dir.path(), *m.store);
  check_base_loaded(m);
  CHECK(report.source.at("bert.embeddings.LayerNorm.weight") == "bert.embeddings.LayerNorm.gamma");
  CHECK(report.summary().find("old names gamma and beta (2)") != std::string::npos);

  file.replace("bert.", "");  // both rules at once
  file.write(dir / "model.safetensors");
  TinyBert both;
  load_checkpoint(dir.path(), *both.store);
  check_base_loaded(both);

  TinyFile wrong;
  wrong.replace("query.weight", "query.gamma");
  wrong.write(dir / "model.safetensors");
  TinyBert other;
  CHECK_THROWS_WITH_AS(load_checkpoint(dir.path(), *other.store),
                       doctest::Contains("1 of the model's 5 parameters are missing: "
                                         "bert.encoder.layer.0.attention.self.query.weight"),
                       Error);
}

TEST_CASE("buffers are passed over, other tensors are unexpected") {
  const TempDir dir;
  TinyFile file;
  for (const char* buffer :
       {"bert.embeddings.position_ids", "embeddings.token_type_ids", "h.0.attn.bias",
        "transformer.h.11.attn.bias", "transformer.h.1.attn.masked_bias"})
    file.tensors.push_back({buffer, {1}});
  for (const char* other : {"cls.predictions.bias", "h.0.attn.c_attn.bias", "h.x.attn.bias",
                            "width.0.attn.bias", "attn.bias", "my_position_ids"})
    file.tensors.push_back({other, {1}});
  file.write(dir / "model.safetensors");
  TinyBert m;
  const LoadReport report = load_checkpoint(dir.path(), *m.store);
  CHECK(report.ignored.size() == 5);
  CHECK(report.unexpected.size() == 6);
}

TEST_CASE("a transposed file, square or not, is turned; saving turns it back") {
  const TempDir dir;
  const auto make = [](TinyModel& model, bool trainable) {
    for (const auto& [name, dims] :
         {std::pair{"h.0.attn.c_attn.weight", std::vector<int64_t>{6, 2}},
          {"h.0.attn.c_proj.weight", {2, 2}}}) {
      Parameter& p = model.add(name, dims);
      p.transposed_in_file = true;
      p.trainable = trainable;
    }
  };
  const auto a = counted(12, 1), b = counted(4, 2);
  write_safetensors(
      dir / "model.safetensors",
      {{"h.0.attn.c_attn.weight", {2, 6}, a.data()}, {"h.0.attn.c_proj.weight", {2, 2}, b.data()}},
      {{"format", "pt"}});
  for (const bool trainable : {false, true}) {
    TinyModel model;
    make(model, trainable);
    ParameterStore store(model);
    store.allocate();
    const LoadReport report = load_checkpoint(dir.path(), store);
    CHECK(report.transposed.size() == 2);
    CHECK(report.borrowed_bytes == 0);
    CHECK(values_of(*store.find("h.0.attn.c_attn.weight")) ==
          std::vector<Scalar>{100, 106, 101, 107, 102, 108, 103, 109, 104, 110, 105, 111});
    CHECK(values_of(*store.find("h.0.attn.c_proj.weight")) ==
          std::vector<Scalar>{200, 202, 201, 203});
    save_model(dir / "saved", store);
    CHECK(read_file(dir / "saved/model.safetensors") == read_file(dir / "model.safetensors"));
  }
}

TEST_CASE("shards are joined by their index") {
  const TempDir dir;
  TinyFile first, second;
  first.tensors.resize(3);
  second.remove("embeddings");  // numbered anew: 0 .. 3
  first.write(dir / "model-00001-of-00002.safetensors");
  second.write(dir / "model-00002-of-00002.safetensors");
  Json map = Json::object();
  for (const auto& [name, dims] : first.tensors) map[name] = "model-00001-of-00002.safetensors";
  for (const auto& [name, dims] : second.tensors) map[name] = "model-00002-of-00002.safetensors";
  write_file(dir / "model.safetensors.index.json",
             json_text({{"metadata", {{"total_size", 1}}}, {"weight_map", map}}));
  for (const auto& path : {dir.path(), dir / "model.safetensors.index.json"}) {
    TinyBert m;
    const LoadReport report = load_checkpoint(path, *m.store);
    CHECK(report.files.size() == 2);
    CHECK(values_of(m["bert.embeddings.LayerNorm.bias"]) == counted(4, 2));
    CHECK(values_of(m["classifier.bias"]) == counted(2, 3));
    CHECK(report.summary().find("(2 files)") != std::string::npos);
  }
}

TEST_CASE("a head of another size is left alone when that is allowed") {
  const TempDir dir;
  TinyFile().write(dir / "model.safetensors");
  TinyBert m("bert.", 3);
  const LoadReport report = load_checkpoint(dir.path(), *m.store, {.allow_head_mismatch = true});
  check_base_loaded(m);
  REQUIRE(report.mismatched.size() == 2);
  CHECK(report.mismatched[0].parameter == "classifier.weight");
  CHECK(report.mismatched[0].wanted == std::vector<int64_t>{3, 4});
  CHECK(report.mismatched[0].found == std::vector<int64_t>{2, 4});
  CHECK_FALSE(m["classifier.weight"].loaded);
  CHECK(report.unexpected.empty());
}

TEST_CASE("a model survives saving and loading, and the same model gives the same bytes") {
  const TempDir dir;
  TinyBert m;
  m.store->initialise(3);
  save_model(dir / "new/folder", *m.store);
  save_model(dir / "again", *m.store);
  CHECK(read_file(dir / "new/folder/model.safetensors") ==
        read_file(dir / "again/model.safetensors"));
  TinyBert back("bert.", 2, true);
  load_checkpoint(dir / "again", *back.store);
  for (const Parameter* p : m.store->all())
    for (int64_t i = 0; i < p->count(); ++i)
      CHECK(back[p->name].value[i] == static_cast<Scalar>(static_cast<float>(p->value[i])));

  save_model(dir / "half", *m.store, DType::BF16);
  CHECK(std::filesystem::file_size(dir / "half/model.safetensors") <
        std::filesystem::file_size(dir / "again/model.safetensors"));
  TinyBert half;
  load_checkpoint(dir / "half", *half.store);
  const double x = m["classifier.weight"].value[0];
  CHECK(half["classifier.weight"].value[0] == doctest::Approx(x).epsilon(1.0 / 256));

  save_parameters(dir / "head.safetensors", {&m["classifier.weight"]}, DType::F32,
                  {{"format", "pt"}, {"note", "x"}});
  const auto file = Safetensors::open(dir / "head.safetensors");
  CHECK(file.tensors().size() == 1);
  CHECK(file.metadata().at("note") == "x");
}

TEST_CASE("the summary says what was loaded, what starts fresh and what is left over") {
  const TempDir dir;
  TinyFile file;
  file.replace("bert.", "");
  file.remove("classifier");
  file.tensors.push_back({"cls.predictions.bias", {1}});
  file.tensors.push_back({"embeddings.position_ids", {1}});
  file.write(dir / "model.safetensors");
  TinyBert m("bert.", 2, true);
  const std::string summary = load_checkpoint(dir.path(), *m.store).summary();
  CHECK(summary == "loaded 5 parameters from " + dir.path().string() +
                       ": 0.0 MB stay in the file, 0.0 MB copied" +
                       "\n  names in the file lack 'bert.'"
                       "\n  start fresh (2): classifier.weight, classifier.bias"
                       "\n  in the file and not used (1): cls.predictions.bias"
                       "\n  buffers passed over (1): embeddings.position_ids");
}

TEST_CASE("the golden models' own files load by name") {
  const Checkpoint checkpoint(golden("models/bert"));
  const SafeTensor* word = checkpoint.find("bert.embeddings.word_embeddings.weight");
  REQUIRE(word);
  CHECK(word->dims == std::vector<int64_t>{64, 32});
  CHECK(checkpoint.find("nothing") == nullptr);
}
