// GGUF files of the LLaMA family: the model that Python's gguf package wrote, what is written here
// and read again, and files that say what no model here has.
#include "models/gguf.h"

#include <cstring>

#include "engine/base/error.h"
#include "models/gguf_model.h"
#include "models/pretrained.h"
#include "tests/engine/io/raw_gguf.h"
#include "tests/models/decoders.h"
#include "tests/support/says.h"

using namespace testing;
using engine::GgmlType;
using engine::Gguf;
using engine::SafeTensor;

namespace {

std::vector<engine::Scalar> values_of(const SafeTensor& tensor) {
  std::vector<engine::Scalar> values(static_cast<size_t>(tensor.count()));
  tensor.read(values.data());
  return values;
}

void check_golden(const std::string& name, const std::filesystem::path& path) {
  CAPTURE(name);
  const models::ModelSource source = models::open_model(path.string());
  CHECK(source.has_weights());
  const auto model = models::make_model(source.config.json, path.string());
  models::VocabularyHead head(*model, models::HeadKind::language_model);
  engine::ParameterStore store(*model);
  store.allocate();
  const engine::LoadReport report = models::load_weights(source, store, 1, false);
  CHECK(report.missing.empty());
  CHECK(report.unexpected.empty());
  const Json golden = golden_of(name);
  const Prompts prompts = prompts_of(golden);
  const engine::Batch batch = packed(prompts);
  std::vector<double> nll(batch.targets.size());
  engine::Workspace workspace;
  engine::Graph g(workspace, {.record = false});
  head.loss(g, model->encode(g, batch), batch.targets, {.nll = nll.data()});
  double worst = 0;
  for (size_t p = 0; p < prompts.size(); ++p)
    for (size_t i = 0; i + 1 < prompts[p].size(); ++i)
      worst = std::max(
          worst, std::abs(nll[static_cast<size_t>(batch.segments.begin(static_cast<int>(p))) + i] -
                          golden["nll"][p][i].get<double>()));
  CHECK(worst < 2e-5);
}

void check_same_tensors(const std::string& name, const engine::Checkpoint& found) {
  const engine::Checkpoint wanted(folder_of(name));
  CHECK(found.tensors().size() == wanted.tensors().size());
  for (const auto& [key, tensor] : wanted.tensors()) {
    const std::string this_key = key;
    CAPTURE(this_key);
    const SafeTensor* other = found.find(key);
    REQUIRE(other != nullptr);
    CHECK(other->dims == tensor.dims);
    CHECK(values_of(*other) == values_of(tensor));
  }
}

std::string refused(const std::string& bytes) {
  TempDir dir;
  write_file(dir / "x.gguf", bytes);
  return message_of([&] { (void)models::gguf_checkpoint(Gguf::open(dir / "x.gguf")); });
}

// A file whose metadata are right but for what a test changes: 1 layer, hidden 4, 2 heads.
struct Described {
  std::map<std::string, std::string> texts = {{"general.architecture", "llama"}};
  std::map<std::string, uint32_t> numbers = {{"llama.block_count", 1},
                                             {"llama.context_length", 8},
                                             {"llama.embedding_length", 4},
                                             {"llama.feed_forward_length", 4},
                                             {"llama.attention.head_count", 2}};
  std::vector<std::pair<std::string, std::vector<uint64_t>>> tensors = {
      {"token_embd.weight", {4, 3}},        {"blk.0.attn_q.weight", {4, 4}},
      {"blk.0.attn_k.weight", {4, 4}},      {"blk.0.attn_v.weight", {4, 4}},
      {"blk.0.attn_output.weight", {4, 4}}, {"blk.0.attn_norm.weight", {4}},
      {"blk.0.ffn_norm.weight", {4}},       {"blk.0.ffn_gate.weight", {4, 4}},
      {"blk.0.ffn_up.weight", {4, 4}},      {"blk.0.ffn_down.weight", {4, 4}}};

  std::string bytes() const {
    RawGguf file(3, tensors.size(), texts.size() + numbers.size());
    for (const auto& [key, value] : texts) file.value(key, value);
    for (const auto& [key, value] : numbers) file.value(key, 4, value);
    for (size_t i = 0; i < tensors.size(); ++i)
      file.tensor(tensors[i].first, tensors[i].second, 0, 64 * i);
    return file.align().pad(64 * tensors.size()).bytes();
  }
};

}  // namespace

TEST_CASE("GGUF: a model that gguf-py wrote has the values and the losses of Hugging Face's") {
  const auto path = golden("gguf/llama.gguf");
  check_same_tensors("llama", models::gguf_checkpoint(Gguf::open(path)));
  check_golden("llama", path);
  // Interleaved rows come through a function; all else stays in the file.
  const engine::Checkpoint found = models::gguf_checkpoint(Gguf::open(path));
  CHECK(found.find("model.layers.0.self_attn.q_proj.weight")->data == nullptr);
  CHECK(found.find("model.layers.0.self_attn.v_proj.weight")->data != nullptr);
  CHECK(found.find("model.layers.0.self_attn.q_proj.weight")->type_name() == "BF16");
}

TEST_CASE("GGUF: what is written is read again, bit for bit, for every model of the family") {
  TempDir dir;
  for (const std::string name : {"llama", "llama3", "llama-yarn", "qwen2", "qwen3"}) {
    CAPTURE(name);
    const engine::Checkpoint tensors(folder_of(name));
    const Json config = engine::json_file(folder_of(name) / "config.json");
    engine::GgufWriter file;
    models::add_to_gguf(file, config, name, tensors, std::nullopt, name);
    file.write(dir / "model.gguf");
    check_same_tensors(name, models::gguf_checkpoint(Gguf::open(dir / "model.gguf")));
    check_golden(name, dir / "model.gguf");
    check_golden(name, dir.path());  // a folder with nothing else
    const Gguf read = Gguf::open(dir / "model.gguf");
    CHECK(read.text("general.name") == name);
    CHECK(read.integer("general.file_type") == 32);
    // From GGUF to GGUF.
    engine::GgufWriter again;
    models::add_to_gguf(again, models::gguf_config(read), name, models::gguf_checkpoint(read),
                        GgmlType::F32, name);
    again.write(dir / "again.bin");
    check_same_tensors(name, models::gguf_checkpoint(Gguf::open(dir / "again.bin")));
  }
}

TEST_CASE("GGUF: q and k of llama are interleaved, those of qwen are not") {
  const auto to = models::interleaved_row(8, 2), from = models::halved_row(8, 2);
  std::vector<int64_t> places;
  for (int64_t i = 0; i < 8; ++i) {
    places.push_back(to(i));
    CHECK(from(to(i)) == i);
  }
  CHECK(places == std::vector<int64_t>{0, 2, 1, 3, 4, 6, 5, 7});
}

TEST_CASE("GGUF: names, both ways") {
  CHECK(models::hf_name_of_gguf("blk.11.ffn_down.weight") ==
        "model.layers.11.mlp.down_proj.weight");
  CHECK(models::gguf_name_of_hf("model.layers.0.self_attn.k_proj.bias") == "blk.0.attn_k.bias");
  CHECK(models::gguf_name_of_hf("lm_head.weight") == "output.weight");
  for (const char* name : {"blk..attn_q.weight", "blk.x.attn_q.weight", "blk.0.attn_q", "output",
                           "blk.0", "blk.1.attn_q.scale", "v.blk.0.attn_q.weight"})
    CHECK(models::hf_name_of_gguf(name).empty());
}

TEST_CASE("GGUF: Q8_0 is as near as its scale") {
  TempDir dir;
  const engine::Checkpoint tensors(folder_of("llama"));
  engine::GgufWriter file;
  models::add_to_gguf(file, engine::json_file(folder_of("llama") / "config.json"), "llama", tensors,
                      GgmlType::Q8_0, "llama");
  file.write(dir / "q8.gguf");
  const engine::Checkpoint found = models::gguf_checkpoint(Gguf::open(dir / "q8.gguf"));
  for (const auto& [name, tensor] : tensors.tensors()) {
    const std::string this_name = name;
    CAPTURE(this_name);
    const auto a = values_of(tensor), b = values_of(*found.find(name));
    double worst = 0, largest = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      worst = std::max(worst, static_cast<double>(std::abs(a[i] - b[i])));
      largest = std::max(largest, static_cast<double>(std::abs(a[i])));
    }
    CHECK(worst <= largest / 127 * 0.51);
  }
}

TEST_CASE("GGUF: a file that no model here can be is refused by name") {
  CHECK(refused(Described().bytes()) == "");
  const auto with_number = [](const std::string& key, uint32_t value) {
    Described file;
    file.numbers[key] = value;
    return refused(file.bytes());
  };
  const auto with_text = [](const std::string& key, const std::string& value) {
    Described file;
    file.texts[key] = value;
    return refused(file.bytes());
  };
  const auto without = [](const std::string& key) {
    Described file;
    file.numbers.erase(key);
    file.texts.erase(key);
    return refused(file.bytes());
  };
  says(with_text("general.architecture", "gemma3"), "the architecture 'gemma3', which is not read");
  says(without("general.architecture"), "has no general.architecture");
  for (const char* key : {"block_count", "context_length", "embedding_length",
                          "feed_forward_length", "attention.head_count"})
    says(without(std::string("llama.") + key), std::string("has no llama.") + key);
  says(with_number("llama.expert_count", 8), "mixtures of experts");
  says(with_number("split.count", 3), "is one part of several");
  says(with_number("llama.block_count", 4000000000), "is 4000000000 in a file of 10 tensors");
  says(with_number("llama.attention.head_count", 0), "attention.head_count: is 0");
  says(with_number("llama.attention.key_length", 3000000000), "has heads of 3000000000 columns");
  says(with_number("llama.attention.key_length", 6), "should have the shape [12, 4]");
  says(with_number("llama.attention.value_length", 6), "value_length: is 6, and keys have 2");
  says(with_number("llama.rope.dimension_count", 5), "is 5 of 2 columns");
  says(with_text("llama.rope.scaling.type", "longrope"), "'longrope', which cannot be computed");
  says(with_text("llama.rope.scaling.type", "yarn"), "rope.scaling.factor: is not there");
  Described file;
  file.tensors[0].first = "other.weight";
  says(refused(file.bytes()), "has no matrix token_embd.weight");
  file = Described();
  file.tensors.push_back({"rope_freqs.weight", {1}});
  says(refused(file.bytes()), "scales rotary frequencies otherwise");
  file = Described();
  file.tensors[2].second = {4, 3};
  says(refused(file.bytes()), "does not divide into 2 heads");
  file = Described();
  file.tensors[9] = {"blk.0.something.weight", {4, 3}};  // no parameter asks for it
  CHECK(refused(file.bytes()) == "");
}

TEST_CASE("GGUF: what cannot be said in a file is refused when it is written") {
  const engine::Checkpoint tensors(folder_of("llama"));
  const auto refuses = [&](const std::string& name, const Json& changes, const std::string& part) {
    Json config = engine::json_file(folder_of(name) / "config.json");
    config.update(changes);
    engine::GgufWriter file;
    try {
      models::add_to_gguf(file, config, "config.json", engine::Checkpoint(folder_of(name)),
                          std::nullopt, "x");
    } catch (const engine::Error& e) {
      says(e.what(), part);
      return;
    }
    FAIL("no error");
  };
  refuses("gpt2", Json::object(), "model_type 'gpt2' cannot be written as GGUF");
  refuses("llama", {{"hidden_act", "gelu"}}, "hidden_act is gelu");
  refuses("mistral", Json::object(), "sliding_window is");
  refuses("llama", {{"tie_word_embeddings", false}}, "has no lm_head.weight");
  refuses(
      "llama-yarn",
      {{"rope_parameters",
        {{"rope_type", "yarn"}, {"factor", 4.0}, {"rope_theta", 10000.0}, {"beta_fast", 30.0}}}},
      "\"beta_fast\" is set, which GGUF cannot say");
}

TEST_CASE("GGUF: folders") {
  TempDir dir;
  CHECK_FALSE(models::gguf_of(dir.path()));
  CHECK_FALSE(models::gguf_of(dir / "absent.gguf"));
  std::filesystem::copy_file(golden("gguf/llama.gguf"), dir / "a.gguf");
  write_file(dir / "notes.gguf", "no such file");
  CHECK(models::gguf_of(dir.path()) == dir / "a.gguf");
  std::filesystem::copy_file(golden("gguf/llama.gguf"), dir / "b.gguf");
  CHECK_THROWS_WITH(models::gguf_of(dir.path()),
                    doctest::Contains("holds 2 GGUF files\nhint: give the path of one of them"));
  write_file(dir / "config.json", "{}");
  CHECK_FALSE(models::gguf_of(dir.path()));
}
