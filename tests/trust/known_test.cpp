// What a run knows is taken over by whoever opens it: names, length, side, seed, tokenizer.
#include <unistd.h>

#include <cmath>

#include "engine/io/json.h"
#include "tests/trust/program.h"

using namespace trust;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

// The predictions of a run's dev split, without the columns that name the row.
std::vector<std::string> predictions_of(const fs::path& run) {
  std::vector<std::string> out;
  for (const std::string& line : lines_of(read_file(run / "predictions.tsv"))) {
    size_t at = 0;
    for (int i = 0; i < 3; ++i) at = line.find('\t', at) + 1;
    if (line.starts_with("dev\t")) out.push_back(line.substr(at));
  }
  return out;
}

// The same from `peft predict`, which writes what came in first.
std::vector<std::string> predicted(const Words& model, const fs::path& data) {
  Words words = {"predict"};
  words.insert(words.end(), model.begin(), model.end());
  words.insert(words.end(), {"--data", data.string(), "--out-format", "tsv"});
  std::vector<std::string> out;
  for (const std::string& line : lines_of(works(words).out)) {
    size_t at = 0;
    for (int i = 0; i < 2; ++i) at = line.find('\t', at) + 1;
    out.push_back(line.substr(at));
  }
  out.erase(out.begin());
  return out;
}

bool same(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].substr(0, a[i].find('\t')) != b[i].substr(0, b[i].find('\t'))) return false;
    // Probabilities: six digits of a float.
    for (size_t x = a[i].find('\t'), y = b[i].find('\t'); x != std::string::npos;
         x = a[i].find('\t', x + 1), y = b[i].find('\t', y + 1))
      if (std::abs(std::stod(a[i].substr(x + 1)) - std::stod(b[i].substr(y + 1))) > 2e-5)
        return false;
  }
  return true;
}

std::string long_texts() {
  std::string text = "text,label\n";
  for (int i = 0; i < 6; ++i) {
    text += i % 2 ? "bad cold" : "good hot";
    for (int k = 0; k < 12; ++k) text += " and the tea";
    text += i % 2 ? " was bad,no\n" : " was good,yes\n";
  }
  return text;
}

}  // namespace

TEST_CASE("known: length, side, names and seed come from the run") {
  const TempDir dir;
  write_file(dir / "t.csv", long_texts());
  const fs::path left = dir / "left";
  fs::create_directories(left);
  fs::copy_file(tokenizer(dir) / "vocab.txt", left / "vocab.txt");
  write_file(left / "tokenizer_config.json",
             "{\"tokenizer_class\": \"BertTokenizer\", \"truncation_side\": \"left\"}");
  const std::vector<Words> runs = {
      {"--strategy", "full", "--lr", "5e-2", "--max-length", "8", "--max-steps", "6"},
      {"--strategy", "bitfit", "--lr", "5e-2", "--max-length", "5", "--seed", "7"},
      {"--strategy", "lora:r=2", "--lr", "5e-2", "--max-length", "16", "--seed", "12345678901"},
      {"--strategy", "full", "--lr", "5e-2", "--max-length", "6", "--tokenizer", left.string()}};
  int n = 0;
  for (const Words& more : runs) {
    const std::string name = "r" + std::to_string(++n);
    CAPTURE(name);
    Words words = finetune(dir, dir / "t.csv", name, more);
    if (more.back() == left.string()) {  // one --tokenizer only
      const auto at = std::find(words.begin(), words.end(), "--tokenizer");
      words.erase(at, at + 2);
    }
    works(words);
    const auto own = predictions_of(dir / name);
    CHECK(own.size() == 6);
    CHECK(same(own, predicted({(dir / name).string()}, dir / "t.csv")));
    // A copied adapter knows as much.
    fs::copy(dir / name / "adapter", dir / (name + "-copy"), fs::copy_options::recursive);
    CHECK(same(own, predicted({"--adapter", (dir / (name + "-copy")).string()}, dir / "t.csv")));
    works({"merge", "--adapter", (dir / name).string(), "--out", (dir / (name + "-m")).string()});
    CHECK(same(own, predicted({"--model", (dir / (name + "-m")).string()}, dir / "t.csv")));
  }
  // Which side was cut decides what the model saw.
  CHECK(read_file(dir / "r4-m" / "tokenizer_config.json") ==
        read_file(left / "tokenizer_config.json"));
}

TEST_CASE("known: names of classes keep their order and case through adapters and merged models") {
  const TempDir dir;
  write_file(dir / "t.csv", "text,label\nthe tea,Zebra\nthe film,apple\nthe book,Apple\n");
  write_file(dir / "u.csv", "text,label\nthe book,Apple\nthe film,apple\nthe tea,Zebra\n");
  works(finetune(dir, dir / "t.csv", "r",
                 {"--strategy", "full", "--lr", "5e-2", "--max-steps", "20", "--dropout", "0"}));
  const engine::Json record = engine::json_file(dir / "r" / "run.json");
  CHECK(record["task_info"]["labels"] == engine::Json({"Zebra", "apple", "Apple"}));
  // Own data that brings the same names in another order.
  works(finetune(dir, dir / "u.csv", "r2",
                 {"--adapter", (dir / "r" / "adapter").string(), "--strategy", "full",
                  "--max-steps", "1", "--lr", "1e-12"}));
  CHECK(engine::json_file(dir / "r2" / "run.json")["task_info"]["labels"] ==
        engine::Json({"Zebra", "apple", "Apple"}));
  CHECK(engine::json_file(dir / "r2" / "run.json")["metrics"]["dev"]["accuracy"] ==
        record["metrics"]["dev"]["accuracy"]);
  works({"merge", "--adapter", (dir / "r").string(), "--out", (dir / "m").string()});
  const engine::Json config = engine::json_file(dir / "m" / "config.json");
  CHECK(config["id2label"]["0"] == "Zebra");
  CHECK(config["id2label"]["2"] == "Apple");
  // Classes of other names: the head says nothing about them, and that is said.
  write_file(dir / "v.csv", "text,label\nthe tea,x\nthe film,y\nthe book,z\n");
  CHECK(works(finetune(dir, dir / "v.csv", "r3", {"--model", (dir / "m").string()}))
            .says("starts fresh"));
}

TEST_CASE("known: a model without tokenizer files is merged with the run's") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  write_file(dir / "t.csv", reviews());
  fs::create_directories(dir / "bare");
  for (const char* name : {"config.json", "model.safetensors"})
    fs::copy_file(model / name, dir / "bare" / name);
  works(finetune(dir, dir / "t.csv", "r",
                 {"--model", (dir / "bare").string(), "--strategy", "lora:r=2"}));
  works({"merge", "--adapter", (dir / "r").string(), "--out", (dir / "m").string()});
  CHECK(read_file(dir / "m" / "vocab.txt") == read_file(tokenizer(dir) / "vocab.txt"));
  // From another working directory as well.
  works({"merge", "--adapter", (dir / "r").string(), "--out", (dir / "m2").string()},
        {.in_child = [] { REQUIRE(::chdir("/") == 0); }});
}
