// Numbers: the whole text, in range, finite; in flags, specs and files.
#include <cmath>
#include <cstring>

#include "engine/io/json.h"
#include "tests/trust/program.h"

using namespace trust;
using testing::TempDir;
using testing::write_file;

TEST_CASE("numbers: a flag takes a number and nothing else") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  const auto wrong = [&](const std::string& flag, const std::string& value,
                         const std::string& expected) {
    refuses(finetune(dir, dir / "t.csv", "r", {flag, value}), {flag, value, expected});
  };
  wrong("--lr", "2e-4x", "a number");
  wrong("--lr", "nan", "a number");
  wrong("--lr", "1e400", "a number");
  wrong("--lr", "0x1p-3", "a number");
  wrong("--warmup-ratio", "0.1 ", "a number");
  wrong("--warmup-ratio", "0,1", "a number");
  wrong("--dropout", "inf", "a number");
  wrong("--epochs", "2.0", "a whole number");
  wrong("--batch-size", "0x10", "a whole number");
  wrong("--batch-size", "4294967297", "a whole number");
  wrong("--max-length", " 16", "a whole number");
  wrong("--max-length", "1e2", "a whole number");
  wrong("--log-every", "99999999999999999999", "a whole number");
  wrong("--seed", "-1", "a whole number");
  wrong("--threads", "3000000000", "a whole number");
  refuses({"tokenizer", "--vocab-size", "100k", "--out", (dir / "t").string(), "x"},
          {"--vocab-size", "100k"});
  refuses({"predict", "RUN", "-", "--threads", "two"}, {"--threads", "two"});
  refuses({"sweep", "--model", "m", "--task", "sst2", "--strategies", "full", "--seeds", "1.5",
           "--out", (dir / "s").string()},
          {"--seeds", "1.5", "a whole number"});
  refuses({"pretrain", "--out", (dir / "p").string(), "--tokenizer", "t", "--corpus", "c",
           "--steps", "10", "--lr", "1e-3,"},
          {"--lr", "1e-3,"});
}

TEST_CASE("numbers: out of range is a message with the range") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  const auto wrong = [&](const std::string& flag, const std::string& value) {
    refuses(finetune(dir, dir / "t.csv", "r", {flag, value}), {flag, value});
  };
  wrong("--threads", "20000");
  wrong("--threads", "-2");
  wrong("--grad-accumulation", "2147483647");
  wrong("--batch-size", "2000000000");
  wrong("--epochs", "2147483647");
  wrong("--label-smoothing", "1");
  wrong("--patience", "-1");
}

TEST_CASE("numbers: in a strategy's or a random model's spec") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  for (const char* spec :
       {"lora:r=8x", "lora:r=", "lora:r=1e1", "lora:alpha=inf", "lora:alpha=1.5.2",
        "lora:dropout=nan", "prefix:length=-3", "lora:layers=0-1x", "lora:layers=0x1",
        "top:layers=99999999999", "adapter:size=3.0"})
    refuses(finetune(dir, dir / "t.csv", "r", {"--strategy", spec}), {});
  for (const char* model :
       {"random:layers=1.0,hidden=32", "random:layers=1,hidden=32x",
        "random:layers=1,hidden=", "random:layers=1,hidden=32,dropout=nan",
        "random:layers=1,hidden=32,std=inf", "random:layers=99999999999999999999,hidden=32"})
    refuses(finetune(dir, dir / "t.csv", "r", {"--model", model}), {"model"});
}

TEST_CASE("numbers: labels of a regression are finite numbers") {
  const TempDir dir;
  for (const char* label : {"1,5", "inf", "3 stars", "1e999", "--2", "0x3"}) {
    write_file(dir / "t.tsv",
               std::string("text\tscore\nthe tea\t1.5\nthe film\t") + label + "\nthe book\t2\n");
    refuses(finetune(dir, dir / "t.tsv", "r", {"--regression"}), {"t.tsv:3", "a number"});
  }
}

TEST_CASE("numbers: a config.json of impossible sizes") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  const std::string config = testing::read_file(model / "config.json");
  const auto with = [&](const std::string& key, const std::string& value) {
    engine::Json json = engine::parse_json(config, "config");
    std::string text = engine::json_text(json, 1);
    const size_t at = text.find("\"" + key + "\":");
    REQUIRE(at != std::string::npos);
    const size_t begin = text.find(':', at) + 1, end = text.find_first_of(",\n", begin);
    text.replace(begin, end - begin, " " + value);
    write_file(model / "config.json", text);
    refuses({"inspect", "params", "--model", model.string()}, {"config.json", key});
  };
  with("hidden_size", "3.5");
  with("type_vocab_size", "9223372036854775807");
  with("num_hidden_layers", "-1");
  with("num_hidden_layers", "\"1\"");
  with("max_position_embeddings", "18446744073709551615");
  with("layer_norm_eps", "-1e-12");
  with("hidden_dropout_prob", "1.5");
  write_file(model / "config.json", config);
  works({"inspect", "params", "--model", model.string()});
}

TEST_CASE("numbers: shapes in a safetensors header") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  const auto with_header = [&](const std::string& header, const std::string& data) {
    std::string bytes(8, '\0');
    for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i));
    write_file(model / "model.safetensors", bytes + header + data);
    refuses({"inspect", "logits", "--model", model.string(), "tea"}, {model.string()});
  };
  with_header(R"({"w":{"dtype":"F32","shape":[0,4611686018427387904,8],"data_offsets":[0,0]}})",
              "");
  with_header(R"({"w":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,0]}})", "");
  with_header(R"({"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", "abcd");
  with_header(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "abcd");
  with_header(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}})",
              "abcd");
  with_header(R"({"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", "abcd");
}

TEST_CASE("numbers: what is no number, or too large for its type, is not merged") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r",
                 {"--model", model.string(), "--strategy", "lora:r=2", "--max-steps", "1"}));
  const fs::path file = dir / "r" / "adapter" / "adapter_model.safetensors";
  const std::string whole = testing::read_file(file);
  const auto with = [&](float value, const Words& more, const std::vector<std::string>& texts) {
    std::string bytes = whole;
    uint64_t header = 0;
    std::memcpy(&header, bytes.data(), 8);
    for (size_t at = 8 + header; at + 4 <= bytes.size(); at += 4)
      std::memcpy(bytes.data() + at, &value, 4);
    write_file(file, bytes);
    Words words = {"merge", "--adapter", (dir / "r").string(), "--out", (dir / "m").string()};
    words.insert(words.end(), more.begin(), more.end());
    refuses(words, texts);
    CHECK_FALSE(fs::exists(dir / "m" / "model.safetensors"));
  };
  with(NAN, {}, {"NaN"});
  with(3e38f, {}, {"merge"});
  with(1e4f, {"--dtype", "F16"}, {"65504", "BF16"});
  write_file(file, whole);
  works({"merge", "--adapter", (dir / "r").string(), "--out", (dir / "m").string()});
}
