// Token classification from file to file: trained, scored by entities, resumed, predicted, merged.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "data/rows.h"
#include "run/finetune.h"
#include "run/predict_rows.h"
#include "tests/run/stop_after.h"
#include "tests/support/paths.h"

namespace fs = std::filesystem;
using testing::StopAfter;

TEST_CASE(
    "tagging learns entities, resumes bit for bit, and says the same from run and merged model") {
  testing::TempDir temp;
  const char* people[] = {"Peter", "Mary Jones", "Kim"};
  const char* places[] = {"Paris", "New York"};
  std::string conll;
  for (int i = 0; i < 24; ++i) {
    const auto name = [&](const std::string& words, const std::string& type) {
      const size_t blank = words.find(' ');
      conll += words.substr(0, blank) + " B-" + type + "\n";
      if (blank != std::string::npos) conll += words.substr(blank + 1) + " I-" + type + "\n";
    };
    name(people[i % 3], "PER");
    conll += i % 2 ? "lives O\nin O\n" : "saw O\n";
    name(places[i % 2], "LOC");
    conll += ". O\n\n";
  }
  testing::write_file(temp / "d.conll", conll);
  run::FinetuneSettings s;
  s.kind = "tag";
  s.train = s.dev = (temp / "d.conll").string();
  s.model = "random:layers=1,hidden=32,heads=2,ffn=32,positions=32";
  s.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  s.strategy = "full";
  s.batch_size = 8;
  s.piece_tokens = 24;  // a batch is several micro-batches of different numbers of words
  s.epochs = 8;
  s.lr = 5e-3;
  s.threads = 2;
  s.out = (temp / "whole").string();
  StopAfter never(-1), early(7);
  const engine::Json record = run::finetune(s, never).record;
  const engine::Json& dev = record.at("metrics").at("dev");
  CHECK(dev.at("f1").get<double>() > 0.95);
  CHECK(dev.at("report").at("types").size() == 2);
  CHECK(record.at("head_parameters") == 5 * 32 + 5);  // a linear layer on every token, no pooler

  run::FinetuneSettings part = s;
  part.out = (temp / "part").string();
  CHECK_FALSE(run::finetune(part, early).finished);
  part.resume = true;
  CHECK(run::finetune(part, never).finished);
  for (const char* file : {"predictions.tsv", "adapter/adapter_model.safetensors"})
    CHECK(testing::read_file(fs::path(s.out) / file) ==
          testing::read_file(fs::path(part.out) / file));

  run::Predictor predictor({{.run = s.out}});
  std::istringstream in("{\"tokens\": [\"Mary\", \"Jones\", \"saw\", \"Paris\", \".\"]}\n");
  const auto rows = data::open_rows(in, data::Format::jsonl, "in");
  std::ostringstream out;
  CHECK(run::predict_rows(predictor, *rows, data::Format::jsonl, out, {}).rows == 1);
  CHECK(engine::parse_json(out.str(), "out").at("prediction") ==
        engine::Json({"B-PER", "I-PER", "O", "B-LOC", "O"}));
  std::istringstream text("Kim lives in New York .\n");
  const auto lines = data::open_rows(text, data::Format::lines, "in");
  std::ostringstream said;
  run::predict_rows(predictor, *lines, data::Format::lines, said, {});
  CHECK(said.str() == "B-PER O O B-LOC I-LOC O\n");
}
