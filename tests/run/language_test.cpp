// Language models: ten losses of every kind of row and strategy are those of transformers and PEFT
// (tools/goldens/language_model.py).
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "engine/base/error.h"
#include "run/finetune.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;
using engine::Json;

Json language_golden() { return engine::json_file(testing::golden("language_model/golden.json")); }

void write_rows(const fs::path& file, const Json& rows) {
  std::string text;
  for (const Json& row : rows) text += row.dump() + "\n";
  testing::write_file(file, text);
}

// Ten steps as the golden's: batches of two in the file's order, AdamW at a constant rate.
run::FinetuneSettings ten_steps(const std::string& model, const fs::path& train,
                                const fs::path& out) {
  run::FinetuneSettings s;
  s.task = "lm";
  s.train = train.string();
  s.model = testing::golden("decoders/" + model).string();
  s.tokenizer = testing::golden("language_model").string();
  s.max_steps = 10;
  s.shuffle = false;
  s.batch_size = 2;
  s.lr = 1e-3;
  s.schedule = "constant";
  s.warmup_ratio = 0;
  s.weight_decay = 0;
  s.max_grad_norm = 0;
  s.log_every = 1;
  s.threads = 1;
  s.out = out.string();
  return s;
}

std::vector<double> losses_of(const run::FinetuneSettings& settings) {
  run::Watcher watcher;
  run::finetune(settings, watcher);
  std::vector<double> losses;
  std::ifstream in(fs::path(settings.out) / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    const Json json = Json::parse(line);
    if (json.contains("loss")) losses.push_back(json["loss"]);
  }
  return losses;
}

}  // namespace

TEST_CASE("language models: ten losses of texts, completions and chats are PEFT's") {
  const Json golden = language_golden();
  testing::TempDir temp;
  int runs = 0;
  for (const auto& [model, kinds] : golden["losses"].items())
    for (const auto& [kind, strategies] : kinds.items()) {
      write_rows(temp / "train.jsonl", golden["rows"][kind]);
      for (const auto& [strategy, wanted] : strategies.items()) {
        CAPTURE(model);
        CAPTURE(kind);
        const auto& this_strategy = strategy;
        CAPTURE(this_strategy);
        auto s = ten_steps(model, temp / "train.jsonl", temp / std::to_string(runs++));
        if (strategy == "full" || strategy == "bitfit")
          s.strategy = strategy;
        else
          s.adapter = testing::golden("decoders/" + model + "/" +
                                      (strategy == "smoothed" ? "lora" : strategy))
                          .string();
        if (strategy == "smoothed") s.label_smoothing = 0.1;
        const std::vector<double> losses = losses_of(s);
        REQUIRE(losses.size() == 10);
        for (size_t i = 0; i < losses.size(); ++i)
          CHECK(std::abs(losses[i] - wanted[i].get<double>()) < 1e-4);
      }
    }
}
