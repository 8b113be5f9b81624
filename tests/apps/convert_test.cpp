// peft convert and peft diff: formats, types and shards there and back, what belongs to a model,
// and what is refused.
#include "apps/convert/convert.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "apps/convert/diff.h"
#include "apps/convert/opened.h"
#include "engine/base/error.h"
#include "engine/io/json.h"
#include "run/gguf_tokenizer.h"
#include "run/locate.h"
#include "tests/support/paths.h"
#include "tests/support/says.h"

using testing::says;

namespace {

namespace fs = std::filesystem;

const fs::path kBert = testing::source_dir() / "data/pretrained/peft-2x256";
const fs::path kLlama = testing::source_dir() / "data/pretrained/peft-llama-4x128";

std::string converted(apps::ConvertOptions options) {
  std::ostringstream log;
  apps::convert(options, {}, log);
  return log.str();
}

std::string convert_error(apps::ConvertOptions options) {
  try {
    converted(std::move(options));
  } catch (const engine::Error& e) {
    return e.what();
  }
  return "no error";
}

struct Said {
  int code = 0;
  std::string out;
};

Said diff(std::vector<std::string> arguments) {
  std::vector<const char*> argv = {"peft"};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  std::ostringstream out;
  auto* before = std::cout.rdbuf(out.rdbuf());
  Said said;
  try {
    said.code = apps::diff_command(static_cast<int>(argv.size()), argv.data());
  } catch (const engine::Error& e) {
    said.code = 2;
    out << e.what();
  }
  std::cout.rdbuf(before);
  said.out = out.str();
  return said;
}

bool same_file(const fs::path& a, const fs::path& b) {
  return testing::read_file(a) == testing::read_file(b);
}

// Every file of the one folder is in the other, byte for byte.
void check_same_folder(const fs::path& a, const fs::path& b, const std::string& but = "README.md") {
  for (const auto& entry : fs::directory_iterator(a)) {
    const std::string name = entry.path().filename();
    CAPTURE(name);
    if (name != but) CHECK(same_file(entry.path(), b / name));
  }
}

}  // namespace

TEST_CASE("convert: shards and back are the same bytes, and so is what belongs to the model") {
  testing::TempDir dir;
  says(
      converted(
          {.model = kBert.string(), .out = (dir / "shards").string(), .max_shard_size = 4'000'000}),
      "files and an index)");
  CHECK(fs::exists(dir / "shards" / "model.safetensors.index.json"));
  CHECK_FALSE(fs::exists(dir / "shards" / "model.safetensors"));
  const auto index = engine::json_file(dir / "shards" / "model.safetensors.index.json");
  for (const auto& [name, file] : index["weight_map"].items())
    CHECK(fs::file_size(dir / "shards" / file.get<std::string>()) < 9'000'000);
  CHECK(diff({kBert.string(), (dir / "shards").string()}).code == 0);
  converted({.model = (dir / "shards").string(), .out = (dir / "whole").string()});
  check_same_folder(kBert, dir / "whole");
  // Over shards that are there, one file: none of them stays.
  converted({.model = kBert.string(), .out = (dir / "shards").string(), .overwrite = true});
  CHECK_FALSE(fs::exists(dir / "shards" / "model.safetensors.index.json"));
  check_same_folder(kBert, dir / "shards");
}

TEST_CASE("convert: torch's files, and one file to one file") {
  testing::TempDir dir;
  const auto torch = testing::golden("torch/zip.bin"),
             expected = testing::golden("torch/expected.safetensors");
  converted({.model = torch.string(), .out = (dir / "a.safetensors").string()});
  CHECK(diff({expected.string(), (dir / "a.safetensors").string()}).code == 0);
  converted({.model = torch.string(), .out = (dir / "b.safetensors").string(), .dtype = "bf16"});
  const Said said = diff({expected.string(), (dir / "b.safetensors").string(), "--json"});
  CHECK(said.code == 1);
  const auto json = engine::parse_json(said.out, "diff");
  CHECK(json["equal"] == false);
  for (const auto& row : json["different"]) {
    CHECK(row["dtype_b"] == "BF16");
    CHECK(row["largest_relative_change"].get<double>() < 0.005);
    CHECK(row["name"] != "long");  // whole numbers stay what they are
  }
}

TEST_CASE("convert: another type is said in config.json, and changes no more than that") {
  testing::TempDir dir;
  converted({.model = kLlama.string(), .out = (dir / "bf16").string(), .dtype = "BF16"});
  auto config = engine::json_file(dir / "bf16" / "config.json");
  CHECK(config["torch_dtype"] == "bfloat16");
  config["torch_dtype"] = "float16";
  CHECK(config == engine::json_file(kLlama / "config.json"));
  CHECK(same_file(kLlama / "tokenizer.json", dir / "bf16" / "tokenizer.json"));
  converted({.model = kLlama.string(), .out = (dir / "f32").string(), .dtype = "float32"});
  CHECK(diff({kLlama.string(), (dir / "f32").string()}).code == 1);
  CHECK(diff({kLlama.string(), (dir / "f32").string(), "--ignore-dtype"}).code == 0);
}

TEST_CASE("convert: to GGUF and back: the same values, and the same ids") {
  testing::TempDir dir;
  const std::string gguf = (dir / "model.gguf").string();
  converted({.model = kLlama.string(), .out = gguf});
  converted({.model = gguf, .out = (dir / "back").string(), .dtype = "f16"});
  CHECK(same_file(kLlama / "model.safetensors", dir / "back" / "model.safetensors"));
  CHECK(diff({kLlama.string(), gguf, "--ignore-dtype"}).code == 0);
  const auto own = run::load_tokenizer(kLlama), inside = run::load_tokenizer(gguf),
             back = run::load_tokenizer(dir / "back");
  for (const char* text :
       {"Once upon a time, there was a girl.", "<|endoftext|>It's 1,234!\n\n  x"}) {
    CHECK(inside->encode(text).ids == own->encode(text).ids);
    CHECK(back->encode(text).ids == own->encode(text).ids);
  }
  // As a model: a GGUF file stands where a folder does.
  run::ModelRequest request;
  request.model = gguf;
  const run::Located located = run::locate(request, "test");
  CHECK(located.source.config.facts.layers == 4);
  CHECK(located.tokenizer->vocab_size() == 4096);
  CHECK(run::is_language_model(located));
  // Q8_0 from GGUF to GGUF, and to a folder.
  converted({.model = gguf, .out = (dir / "q8.gguf").string(), .dtype = "q8_0"});
  converted({.model = (dir / "q8.gguf").string(), .out = (dir / "from_q8").string()});
  CHECK(engine::json_file(dir / "from_q8" / "config.json")["dtype"] == "float32");
  const Said said = diff({gguf, (dir / "q8.gguf").string()});
  CHECK(said.code == 1);
  says(said.out, "F16 | Q8_0");
  CHECK(diff({(dir / "q8.gguf").string(), (dir / "from_q8").string(), "--ignore-dtype"}).code == 0);
}

TEST_CASE("convert: Python's gguf reads what is written, with the same values") {
  testing::TempDir dir;
  converted({.model = kLlama.string(), .out = (dir / "f16.gguf").string(), .dtype = "f16"});
  converted({.model = kLlama.string(), .out = (dir / "q8_0.gguf").string(), .dtype = "q8_0"});
  const char* python = std::getenv("PEFT_GGUF_PYTHON");
  const std::string command = std::string(python ? python : "python3");
  if (std::system((command + " -c 'import gguf' 2>/dev/null").c_str()) != 0) {
    std::printf("skipped: no python3 with the package gguf\n");
    return;
  }
  const fs::path script = testing::source_dir() / "tests/apps/gguf_reads.py";
  for (const char* kind : {"f16", "q8_0"}) {
    CAPTURE(kind);
    CHECK(std::system((command + " " + script.string() + " " +
                       (dir / (std::string(kind) + ".gguf")).string() + " " +
                       (kLlama / "model.safetensors").string())
                          .c_str()) == 0);
  }
}

TEST_CASE("convert: what is there is not replaced, and what cannot be done is said") {
  testing::TempDir dir;
  fs::create_directories(dir / "taken");
  testing::write_file(dir / "taken" / "notes", "mine");
  testing::write_file(dir / "taken.gguf", "mine");
  const std::string llama = kLlama.string();
  says(convert_error({.model = llama, .out = (dir / "taken").string()}),
       "holds files already\nhint: give another");
  says(convert_error({.model = llama, .out = (dir / "taken.gguf").string()}), "is there already");
  CHECK(testing::read_file(dir / "taken.gguf") == "mine");
  says(convert_error({.model = llama, .out = llama, .overwrite = true}),
       "is where the model is read from");
  says(convert_error({.model = llama, .out = (dir / "x").string(), .dtype = "q4_0"}),
       "--dtype q4_0 is not one of f32, f16, bf16, q8_0");
  says(convert_error({.model = llama, .out = (dir / "x").string(), .dtype = "q8_0"}),
       "is a type of GGUF files");
  says(convert_error({.model = llama, .out = (dir / "x").string(), .format = "onnx"}),
       "--format onnx is not one of safetensors, gguf");
  says(convert_error({.model = llama, .out = "x.gguf", .format = "safetensors"}),
       "is the name of a GGUF file");
  says(convert_error({.model = kBert.string(), .out = (dir / "x.gguf").string()}),
       "model_type 'bert' cannot be written as GGUF");
  says(convert_error({.model = (dir / "absent.bin").string(), .out = (dir / "x").string()}),
       "absent.bin");
  CHECK_FALSE(fs::exists(dir / "x"));
  CHECK_FALSE(fs::exists(dir / "x.gguf"));
  CHECK(apps::parse_size("5GB", "s") == 5'000'000'000);
  CHECK(apps::parse_size("1.5kb", "s") == 1500);
  CHECK(apps::parse_size("2GiB", "s") == int64_t{2} << 30);
  CHECK(apps::parse_size("77", "s") == 77);
  for (const char* bad : {"", "GB", "0", "-1GB", "5 GB", "5XB", "1e400GB", "9999999999TB"})
    CHECK_THROWS_AS((void)apps::parse_size(bad, "s"), engine::Error);
}

TEST_CASE("diff: names, shapes, values, and exit codes as diff has them") {
  testing::TempDir dir;
  const auto save = [&](const std::string& name, std::vector<float> x, std::vector<int64_t> dims,
                        const std::string& other) {
    const std::vector<engine::Scalar> values(x.begin(), x.end());
    engine::write_safetensors(dir / name,
                              {{.name = "x", .dims = std::move(dims), .data = values.data()},
                               {.name = other, .dims = {1}, .data = values.data()}},
                              {});
    return (dir / name).string();
  };
  const std::string a = save("a.safetensors", {1, -4, 0, 2}, {2, 2}, "y"),
                    b = save("b.safetensors", {1, -4, 0.5, 1}, {2, 2}, "y"),
                    c = save("c.safetensors", {1, -4, 0, 2}, {4}, "z"),
                    nan = save("n.safetensors", {1, NAN, 0, 2}, {2, 2}, "y");
  CHECK(diff({a, a}).code == 0);
  says(diff({a, a}).out, "2 tensors in both, 0 of them different; 0 only in A, 0 only in B");
  const Said changed = diff({a, b, "--json"});
  CHECK(changed.code == 1);
  const auto json = engine::parse_json(changed.out, "diff");
  REQUIRE(json["different"].size() == 1);
  CHECK(json["different"][0]["different_values"] == 2);
  CHECK(json["different"][0]["largest_change"] == 1.0);
  CHECK(json["different"][0]["largest_relative_change"] == 0.25);
  const Said shapes = diff({a, c});
  CHECK(shapes.code == 1);
  says(shapes.out, "[2, 2] | [4]");
  says(shapes.out, "only in A: y");
  says(shapes.out, "only in B: z");
  CHECK(diff({nan, nan}).code == 0);
  CHECK(engine::parse_json(diff({a, nan, "--json"}).out,
                           "diff")["different"][0]["largest_change"] == "inf");
  CHECK(diff({a, (dir / "absent").string()}).code == 2);
  CHECK(diff({a}).code == 2);
  // A GGUF file stands under Hugging Face's names.
  CHECK(diff({testing::golden("gguf/llama.gguf").string(),
              testing::golden("decoders/llama").string(), "--ignore-dtype"})
            .code == 0);
}
