// Small adapters of one random base, and peft predict as the program calls it.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <iostream>
#include <sstream>

#include "apps/predict/command.h"
#include "engine/base/error.h"
#include "engine/io/json.h"
#include "run/finetune.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

namespace adapter_runs {

namespace fs = std::filesystem;

inline const char* kBase = "random:layers=2,hidden=16,heads=2,ffn=32,positions=32";

// Trains an adapter whose classes are `classes`, in turn; its text column is `column`.
inline fs::path train(const testing::TempDir& temp, const std::string& name,
                      const std::string& strategy, const std::vector<std::string>& classes,
                      const std::string& column = "text", const std::string& model = kBase) {
  const char* texts[] = {"a lovely warm film", "a dull cold film", "kind people and great food"};
  std::string csv = column + ",label\n";
  for (size_t i = 0; i < 12; ++i)
    csv += engine::concat(texts[i % 3], ",", classes[i % classes.size()], "\n");
  const fs::path data = temp / (name + ".csv");
  testing::write_file(data, csv);
  run::FinetuneSettings s;
  s.train = s.dev = data.string();
  s.model = model;
  s.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  s.text = column;
  s.strategy = strategy;
  s.out = (temp / name).string();
  s.max_length = 16;
  s.batch_size = 4;
  s.epochs = 6;
  s.lr = 2e-2;
  s.threads = 1;
  s.seed = 7;
  run::Watcher quiet;
  run::finetune(s, quiet);
  return temp / name;
}

struct Said {
  int code = 0;
  std::string out, err;
};

inline Said predict(std::vector<std::string> arguments) {
  std::vector<const char*> argv = {"predict"};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  std::ostringstream out, err;
  auto* o = std::cout.rdbuf(out.rdbuf());
  auto* e = std::cerr.rdbuf(err.rdbuf());
  Said said;
  try {
    said.code = apps::predict_command(static_cast<int>(argv.size()), argv.data());
  } catch (const engine::Error& error) {
    said.code = 1;
    err << error.what();
  }
  std::cout.rdbuf(o);
  std::cerr.rdbuf(e);
  said.out = out.str();
  said.err = err.str();
  return said;
}

inline std::vector<engine::Json> lines_of(const std::string& text) {
  std::vector<engine::Json> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(engine::parse_json(line, "out"));
  return all;
}

}  // namespace adapter_runs
