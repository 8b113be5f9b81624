// inspect on small models; logits against those of an independent implementation
// (tests/golden/models/bert/logits.json).
#include "apps/inspect/inspect.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "apps/common/main_guard.h"
#include "apps/inspect/model.h"
#include "engine/io/json.h"
#include "tests/support/paths.h"

using engine::Json;
namespace fs = std::filesystem;

namespace {

struct Shown {
  std::string out, notes;
  Json json() const { return Json::parse(out); }
};

Shown inspect(std::vector<std::string> arguments, const std::string& in = "",
              bool terminal = false) {
  std::vector<const char*> argv = {"inspect"};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  std::istringstream input(in);
  std::ostringstream out, notes;
  const int code = apps::inspect_command(static_cast<int>(argv.size()), argv.data(), input,
                                         terminal, out, notes);  // may throw
  CHECK(code == 0);
  return {out.str(), notes.str()};
}

// The golden BERT with a vocabulary in which the word "t20" has the id 20.
void golden_model(const fs::path& folder) {
  for (const char* file : {"config.json", "model.safetensors"})
    fs::copy_file(testing::golden("models/bert") / file, folder / file);
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
  for (int id = 4; id < 64; ++id) vocabulary += "t" + std::to_string(id) + "\n";
  testing::write_file(folder / "vocab.txt", vocabulary);
}

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

const std::string kTiny = "random:layers=2,hidden=16,heads=2,ffn=32,vocab=40,positions=20";

}  // namespace

TEST_CASE("inspect params: shapes, what trains, where values come from") {
  testing::TempDir dir;
  golden_model(dir.path());
  const Shown text = inspect({"params", "--model", dir.path().string(), "--strategy", "bitfit"});
  CHECK(text.out.find("\nbert.encoder.layer.0.attention.self.query.weight ") != std::string::npos);
  CHECK(text.out.find(" 32 x 32 ") != std::string::npos);
  CHECK(text.out.find("trainable params: ") != std::string::npos);
  CHECK(text.out.find("are in " + dir.path().string()) != std::string::npos);
  const Json json =
      inspect({"params", "--model", dir.path().string(), "--strategy", "lora:r=2", "--json"})
          .json();
  int64_t total = 0, trainable = 0, injected = 0, files = 0;
  for (const Json& p : json["parameters"]) {
    total += p["count"].get<int64_t>();
    if (p["trainable"]) trainable += p["count"].get<int64_t>();
    injected += p["source"] == "injected";
    files += p["source"] == "file";
  }
  CHECK(json["total_parameters"] == total);
  CHECK(json["trainable_parameters"] == trainable);
  CHECK(trainable == 2 * 2 * 2 * 2 * 32 + 3 * 32 +
                         3);  // layers, roles, matrices, r, hidden; and the head of 3 classes
  CHECK(injected == 8);
  CHECK(files == static_cast<int64_t>(json["parameters"].size()) - 8);
  const Json fresh = inspect({"params", "--model", kTiny, "--json"}).json();
  CHECK(fresh["parameters"][0]["source"] == "fresh");
  CHECK_FALSE(fresh["parameters"][0].contains("trainable"));
}

TEST_CASE("inspect: a model that is larger than the memory") {
  testing::TempDir dir;
  testing::write_file(
      dir / "config.json",
      R"({"model_type": "llama", "vocab_size": 32000, "hidden_size": 4096, "num_hidden_layers": 32,
    "num_attention_heads": 32, "intermediate_size": 11008})");
  const Json json =
      inspect({"params", "--model", dir.path().string(), "--strategy", "lora:r=8", "--json"})
          .json();
  CHECK(json["total_parameters"].get<int64_t>() - json["injected_parameters"].get<int64_t>() ==
        6738415616);
  CHECK(json["trainable_parameters"] == 4194304);
  CHECK(inspect({"sites", "--model", (dir / "config.json").string()})
            .out.find("model.layers.31.mlp.down_proj") != std::string::npos);
  CHECK(inspect({"graph", "--model", dir.path().string()}).out.find("vocabulary_loss") !=
        std::string::npos);
}

TEST_CASE("inspect sites: what a strategy or a pattern takes") {
  const Json json = inspect({"sites", "--model", kTiny, "--pattern",
                             ".*layer\\.1\\.attention\\.self\\.(query|key)", "--json"})
                        .json();
  CHECK(json["matched"] == Json({"bert.encoder.layer.1.attention.self.query",
                                 "bert.encoder.layer.1.attention.self.key"}));
  CHECK(json["linear_sites"].size() == 2 * 6 + 2);
  CHECK(json["linear_sites"][6]["added"] == "lora_A lora_B");
  CHECK(json["linear_sites"][0]["added"] == "");
  const Json adapter =
      inspect({"sites", "--model", kTiny, "--strategy", "adapter:kind=houlsby,size=4", "--json"})
          .json();
  CHECK(adapter["point_sites"].size() == 4);
  CHECK(adapter["point_sites"][3]["added"] == "down up");
  const std::string bitfit =
      inspect({"sites", "--model", kTiny, "--strategy", "bitfit:terms=query"}).out;
  CHECK(count(bitfit, "  bias  ") == 2);  // of two layers; the head has "weight bias"
  CHECK(inspect({"sites", "--model", kTiny, "--strategy", "prefix:length=2,flat=true"})
            .out.find("prompt_embeddings") != std::string::npos);
  CHECK_THROWS_AS(inspect({"sites", "--model", kTiny, "--pattern", "nothing"}), engine::Error);
  CHECK_THROWS_AS(inspect({"sites", "--model", kTiny, "--strategy", "bitfit", "--pattern", "x"}),
                  engine::Error);
}

TEST_CASE("inspect graph: one step as DOT, to stdout or a file") {
  testing::TempDir dir;
  const std::string full = inspect({"graph", "--model", kTiny}).out,
                    frozen = inspect({"graph", "--model", kTiny, "--strategy", "frozen"}).out;
  for (const std::string& dot : {full, frozen}) {
    CHECK(dot.starts_with("digraph"));
    CHECK(count(dot, "{") == count(dot, "}"));
    CHECK(count(dot, "attention (16, 16)") == 1);  // two sequences of eight tokens, two layers ...
    CHECK(count(dot, "attention (2, 16)") ==
          1);  // ... of which the last is computed at their first tokens
    CHECK(dot.find("cross_entropy") != std::string::npos);
  }
  CHECK(count(full, "keeps ") > count(frozen, "keeps "));
  CHECK(count(frozen, "keeps ") > 0);
  const Shown file = inspect({"graph", "--model", kTiny, "--strategy", "lora:r=2", "--batch", "1",
                              "--length", "3", "--out", (dir / "g.dot").string()});
  CHECK(file.out.empty());
  CHECK(testing::read_file(dir / "g.dot").find("attention (3, 16)") != std::string::npos);
  golden_model(dir.path());
  CHECK(inspect({"graph", "--model", dir.path().string(), "t4 t5, t6"})
            .out.find("attention (6, 32)") != std::string::npos);  // "," is [UNK]
}

TEST_CASE("inspect tokens: arguments, lines and pairs") {
  testing::TempDir dir;
  golden_model(dir.path());
  const std::string model = dir.path().string();
  CHECK(inspect({"tokens", "--model", model, "t20 t22", "T9, t8"}).out ==
        "2 20 22 3\t[CLS] t20 t22 [SEP]\n2 9 1 8 3\t[CLS] t9 [UNK] t8 [SEP]\n");
  CHECK(inspect({"tokens", "--model", model}, "t4\r\nt5\tt6\n\nt7").out ==
        "2 4 3\t[CLS] t4 [SEP]\n2 5 3 6 3\t[CLS] t5 [SEP] t6 [SEP]\n2 3\t[CLS] [SEP]\n2 7 3\t[CLS] "
        "t7 [SEP]\n");
  CHECK(inspect({"tokens", "--tokenizer", model, "--pair", "t5", "t6"}).out ==
        "2 5 3 6 3\t[CLS] t5 [SEP] t6 [SEP]\n");
  const Json json = inspect({"tokens", "--model", model, "--json", "--max-length", "5", "--pair",
                             "t5 t7", "t6 t8"})
                        .json();
  CHECK(json["ids"] == Json({2, 5, 3, 6, 3}));
  CHECK(json["types"] == Json({0, 0, 0, 1, 1}));
  CHECK(json["removed"] == 2);
  CHECK_THROWS_AS(inspect({"tokens", "--model", model, "--pair", "t5"}), apps::UsageError);
  CHECK_THROWS_WITH_AS(inspect({"tokens", "--model", model}, ""),
                       doctest::Contains("no text on stdin"), engine::Error);
  CHECK_THROWS_AS(inspect({"tokens", "--model", model}, "", true), apps::UsageError);
  CHECK_THROWS_AS(inspect({"tokens", "x"}), apps::UsageError);
  CHECK_THROWS_AS(inspect({"tokens", "--model", (dir / "none").string(), "x"}), engine::Error);
}

TEST_CASE("inspect logits: those of an independent implementation, with the labels' names") {
  testing::TempDir dir;
  golden_model(dir.path());
  const Json batch =
      Json::parse(testing::read_file(testing::golden("models/bert/batch.json")))["batches"][0];
  const Json golden =
      Json::parse(testing::read_file(testing::golden("models/bert/logits.json")))["batches"][0];
  std::string in;
  for (const Json& sequence :
       batch["sequences"]) {  // [CLS] a [SEP] or [CLS] a [SEP] b [SEP] back into words
    const auto ids = sequence["input_ids"].get<std::vector<int>>();
    const auto types = sequence["token_type_ids"].get<std::vector<int>>();
    bool second = false;
    for (size_t i = 1; i + 1 < ids.size(); ++i) {
      if (types[i] == 1 && !second) {
        in += '\t';
        second = true;
      }
      if (ids[i] != 3) in += "t" + std::to_string(ids[i]) + " ";
    }
    in += '\n';
  }
  std::istringstream lines(inspect({"logits", "--model", dir.path().string(), "--json"}, in).out);
  size_t row = 0;
  for (std::string line; std::getline(lines, line); ++row) {
    CAPTURE(line);
    const Json json = Json::parse(line);
    const auto want = golden["logits"][row].get<std::vector<double>>(),
               got = json["logits"].get<std::vector<double>>();
    REQUIRE(got.size() == want.size());
    double sum = 0;
    size_t best = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-4));
      sum += json["probabilities"][i].get<double>();
      if (want[i] > want[best]) best = i;
    }
    CHECK(sum == doctest::Approx(1));
    CHECK(json["label"] ==
          std::vector<std::string>{"contradiction", "neutral", "entailment"}[best]);
  }
  CHECK(row == batch["sequences"].size());
  const Shown text = inspect({"logits", "--model", dir.path().string(), "t5 t6", "t7\tt8"});
  CHECK(text.out.find("contradiction  neutral  entailment") != std::string::npos);
  CHECK(text.out.find("t7 | t8") != std::string::npos);
  CHECK(text.notes.empty());
}

TEST_CASE("inspect: what is wrong is said") {
  CHECK_THROWS_WITH_AS(inspect({}), doctest::Contains("params, sites, graph, tokens, logits"),
                       apps::UsageError);
  CHECK_THROWS_WITH_AS(inspect({"parms"}), doctest::Contains("did you mean params?"),
                       apps::UsageError);
  CHECK_THROWS_WITH_AS(inspect({"params", "--modle", "x"}),
                       doctest::Contains("did you mean --model?"), apps::UsageError);
  CHECK_THROWS_WITH_AS(inspect({"params", "--pair"}), doctest::Contains("unknown flag --pair"),
                       apps::UsageError);
  CHECK_THROWS_WITH_AS(inspect({"params"}), doctest::Contains("no --model"), apps::UsageError);
  CHECK_THROWS_WITH_AS(inspect({"params", "--model", "/no/such"}),
                       doctest::Contains("there is no /no/such"), engine::Error);
  CHECK_THROWS_WITH_AS(inspect({"sites", "--model", kTiny, "--strategy", "lorra"}),
                       doctest::Contains("lora"), engine::Error);
  CHECK_THROWS_AS(inspect({"graph", "--model", kTiny, "--batch", "0"}), engine::Error);
  CHECK_THROWS_AS(inspect({"graph", "--model", kTiny, "--length", "21"}), engine::Error);
  CHECK_THROWS_AS(inspect({"graph", "--model", kTiny, "--batch", "two"}), apps::UsageError);
  CHECK(inspect({"--help"}).out.find("inspect COMMAND") != std::string::npos);
  for (const char* command : {"params", "sites", "graph", "tokens", "logits"}) {
    const std::string help = inspect({command, "--help"}).out;
    CHECK(help.find("--model") != std::string::npos);
    CHECK(help.find("--texts") == std::string::npos);
  }
}
