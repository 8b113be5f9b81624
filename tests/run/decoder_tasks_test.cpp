// Tasks on decoders: the head that transformers' ...ForSequenceClassification has, on the last
// token that exists, and one on every token.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "data/rows.h"
#include "engine/io/safetensors.h"
#include "run/finetune.h"
#include "run/predict_rows.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;

run::FinetuneSettings decoder_settings(const testing::TempDir& temp, const std::string& type) {
  run::FinetuneSettings s;
  s.train = s.dev = (temp / "d.tsv").string();
  s.model = "random:type=" + type + ",layers=1,hidden=32,heads=4,ffn=48,positions=40";
  s.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  s.strategy = "full";
  s.batch_size = 8;
  s.epochs = 6;
  s.lr = 5e-3;
  s.threads = 2;
  s.out = (temp / type).string();
  return s;
}

std::vector<std::string> answers(const std::string& run, const std::string& text) {
  run::Predictor predictor({{.run = run}});
  CHECK(predictor.fresh().empty());
  std::istringstream in(text);
  const auto rows = data::open_rows(in, data::Format::lines, "in");
  std::ostringstream out;
  run::predict_rows(predictor, *rows, data::Format::tsv, out, {});
  std::vector<std::string> lines;
  std::istringstream said(out.str());
  for (std::string line; std::getline(said, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("a decoder learns classes on its last token, by the head that transformers has") {
  testing::TempDir temp;
  std::string table = "text\tlabel\n";
  for (int i = 0; i < 32; ++i)
    table += std::string(i % 4 < 2 ? "the food was" : "we found the room") +
             (i % 2 ? " good\tyes\n" : " bad\tno\n");
  testing::write_file(temp / "d.tsv", table);
  for (const std::string type : {"gpt2", "llama"}) {
    CAPTURE(type);
    const run::FinetuneSettings s = decoder_settings(temp, type);
    run::Watcher watcher;
    const engine::Json record = run::finetune(s, watcher).record;
    CHECK(record.at("metrics").at("dev").at("accuracy") == 1.0);
    CHECK(record.at("head_parameters") == 2 * 32);  // no bias
    const auto lines = answers(s.out, "the food was good\nthe food was bad\n");
    REQUIRE(lines.size() >= 2);
    CHECK(lines[lines.size() - 2].find("yes\t") != std::string::npos);
    CHECK(lines.back().find("no\t") != std::string::npos);
  }
  run::FinetuneSettings s = decoder_settings(temp, "llama");
  s.strategy = "lora:r=2";
  s.out = (temp / "lora").string();
  run::Watcher watcher;
  run::finetune(s, watcher);
  const auto file = engine::Safetensors::open(temp / "lora/adapter/adapter_model.safetensors");
  CHECK(file.find("base_model.model.score.weight"));
  CHECK_FALSE(file.find("base_model.model.score.bias"));
}

TEST_CASE("a decoder's head has no bias: numbers are learned in units of their size") {
  testing::TempDir temp;
  std::string table = "text\tlabel\n";
  for (int i = 0; i < 24; ++i)
    table += std::string("it costs ") + (i % 2 ? "much\t140\n" : "little\t60\n");
  testing::write_file(temp / "d.tsv", table);
  run::FinetuneSettings s = decoder_settings(temp, "gpt2");
  s.kind = "regress";
  s.epochs = 20;
  run::Watcher watcher;
  const engine::Json record = run::finetune(s, watcher).record;
  CHECK(record.at("fitted").at("target_mean") == 0.0);
  CHECK(record.at("metrics").at("dev").at("pearson").get<double>() > 0.99);
  run::Predictor predictor({{.run = s.out}});
  const std::vector<data::Example> examples = {{.a = "it costs much"}, {.a = "it costs little"}};
  const tasks::Predictions p = predictor.predict(predictor.encode(examples));
  CHECK(std::abs(p.predicted[0] - 140) < 15);
  CHECK(std::abs(p.predicted[1] - 60) < 15);
}

TEST_CASE("a decoder tags words") {
  testing::TempDir temp;
  std::string conll;
  for (int i = 0; i < 24; ++i)
    conll += std::string(i % 2 ? "Kim B-PER\n" : "Peter B-PER\n") +
             (i % 3 ? "saw O\n" : "left O\n") + (i % 2 ? "Paris B-LOC\n\n" : "Rome B-LOC\n\n");
  testing::write_file(temp / "d.conll", conll);
  run::FinetuneSettings s = decoder_settings(temp, "llama");
  s.train = s.dev = (temp / "d.conll").string();
  s.kind = "tag";
  s.epochs = 8;
  run::Watcher watcher;
  const engine::Json record = run::finetune(s, watcher).record;
  CHECK(record.at("metrics").at("dev").at("f1").get<double>() > 0.95);
  CHECK(record.at("head_parameters") == 3 * 32 + 3);
  CHECK(answers(s.out, "Peter saw Paris\n").back() == "Peter saw Paris\tB-PER O B-LOC");
}
