// Presets, and the texts that a run on tables writes and scores at its end.
#include <doctest/doctest.h>

#include <fstream>

#include "data/table_text/score.h"
#include "peft/strategy.h"
#include "run/finetune.h"
#include "run/generation.h"
#include "run/presets.h"
#include "tests/run/stop_after.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

using namespace testing;

namespace {

namespace fs = std::filesystem;
using engine::Json;

void write_tables(const fs::path& folder) {
  std::string rows;
  for (const char* name : {"Eagle", "Mill", "Vaults", "Eagle"})
    rows += std::string(R"({"mr": "name[)") + name + R"(], eatType[pub]", "references": ["The )" +
            name + R"( is a pub .", ")" + name + " .\"]}\n";
  write_file(folder / "train.jsonl", rows);
  write_file(folder / "dev.jsonl", rows);
}

run::FinetuneSettings settings(const fs::path& folder, const std::string& out) {
  run::FinetuneSettings s;
  s.task = "e2e";
  s.data = folder.string();
  s.model = (source_dir() / "data/pretrained/peft-llama-4x128").string();
  s.strategy = "lora:r=2";
  s.max_steps = 2;
  s.batch_size = 4;
  s.threads = 1;
  s.generation = {{"max_new_tokens", 6}};
  s.out = (folder / out).string();
  return s;
}

struct Seen final : run::Watcher {
  void text_written(int64_t done, int64_t all) override { last = {done, all}; }
  void text_scored(const Json& json) override { scores = json; }

  std::pair<int64_t, int64_t> last = {0, 0};
  Json scores;
};

}  // namespace

TEST_CASE("a run on tables ends with texts for dev, scored as peft score scores them") {
  TempDir folder;
  write_tables(folder.path());
  run::FinetuneSettings s = settings(folder.path(), "all");
  Seen seen;
  const Json record = run::finetune(s, seen).record;
  const Json& scores = record.at("text_scores");
  CHECK(scores == seen.scores);
  CHECK(seen.last == std::pair<int64_t, int64_t>(4, 4));
  CHECK(scores.at("tables") == 4);
  CHECK(scores.at("of") == 4);
  CHECK(scores.at("generation") == Json{{"max_new_tokens", 6}});

  const fs::path file = fs::path(s.out) / "dev_texts.txt";
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == lines[3]);
  const auto outputs = data::read_outputs(data::TableTask::e2e, file, {folder / "dev.jsonl"});
  data::ScoreOptions options;
  std::optional<data::metrics::WordNet> wordnet;
  if (const auto found = data::metrics::WordNet::find()) options.wordnet = &wordnet.emplace(*found);
  const Json wanted = data::to_json(data::TableTask::e2e, options.way,
                                    data::score_outputs(data::TableTask::e2e, outputs, options));
  CHECK(scores.at("sets") == wanted.at("sets"));

  // The same texts come from the saved run.
  run::LanguageModel lm({.run = s.out}, "test");
  const std::string prompt = "name : Mill | Type : pub";
  const auto again =
      run::write(lm, {run::prompt_ids(lm, prompt)}, run::writing(lm, {{"max_new_tokens", 6}}));
  CHECK(again[0].text == lines[1]);
}

TEST_CASE("texts of some tables, of none, and a stop while they are written") {
  TempDir folder;
  write_tables(folder.path());
  run::FinetuneSettings s = settings(folder.path(), "some");
  s.text_scores = "2";
  Seen seen;
  CHECK(run::finetune(s, seen).record.at("text_scores").at("tables") == 2);
  s = settings(folder.path(), "none");
  s.text_scores = "none";
  CHECK_FALSE(run::finetune(s, seen).record.contains("text_scores"));
  s.text_scores = "some";
  CHECK(contains(message_of([&] { run::finetune(s, seen); }), "--text-scores is some"));

  s = settings(folder.path(), "stopped");
  StopAfter after(2);  // asked before two steps of training, then before the first of writing
  CHECK_FALSE(run::finetune(s, after).finished);
  CHECK_FALSE(fs::exists(fs::path(s.out) / "dev_texts.txt"));
  s.resume = true;
  const Json record = run::finetune(s, seen).record;
  CHECK(record.at("status") == "finished");
  CHECK(record.at("text_scores").at("tables") == 4);
}

TEST_CASE("every preset is a whole set of settings, by the paper's numbers") {
  CHECK(run::presets().size() == 34);
  for (const run::Preset& preset : run::presets()) {
    CAPTURE(preset.name);
    run::FinetuneSettings s;
    run::use_preset(s, preset);
    s.data = "somewhere";
    s.model = "some";
    s.check();
    CHECK(s.preset == preset.name);
    CHECK(preset.name.ends_with("-" + s.task));
    const Json json = s.to_json();  // no name is misspelt
    for (const auto& [name, value] : preset.finetune.items()) CHECK(json.at(name) == value);
    CHECK(peft::make_strategy(s.strategy) != nullptr);
  }
  const run::Preset& lora = run::preset("lora-e2e");
  CHECK(lora.finetune.at("lr") == 2e-4);
  CHECK(lora.finetune.at("warmup_steps") == 500);
  CHECK(lora.finetune.at("strategy") == "lora:r=4,alpha=32,dropout=0.1,roles=query+value");
  CHECK(lora.generate.at("num_beams") == 10);
  CHECK(lora.generate.at("length_penalty") == 0.9);
  CHECK(run::preset("prefix-webnlg").finetune.at("strategy") == "prefix:length=5,hidden=512");
  CHECK(run::preset("lora-rte").finetune.at("epochs") == 80);
  const std::string unknown = message_of([] { run::preset("lora-e2"); });
  CHECK(contains(unknown, "did you mean lora-e2e?"));
  CHECK(contains(unknown, "prefix-dart"));
  CHECK(contains(unknown, "bitfit-stsb"));
}

TEST_CASE("a preset's text says what it sets and what was given instead") {
  const run::Preset& preset = run::preset("lora-dart");
  CHECK(run::preset_text(preset, {{"lr", 2e-4}, {"warmup_steps", 500}},
                         {{"lr", 1e-3}, {"warmup_steps", 500}}) ==
        "preset    lora-dart, LoRA on GPT-2 medium (Hu et al. 2021, table 11): --warmup-steps 500\n"
        "          given instead: --lr 0.001\n");
}
