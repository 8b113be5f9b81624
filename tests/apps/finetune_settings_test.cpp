// What a run is told: refused with the flag's name, taken from a record, never changed on the way.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "apps/finetune/command.h"
#include "engine/io/run_folder.h"
#include "run/schedule.h"
#include "tests/apps/finetune_runs.h"

using namespace testing;

TEST_CASE("an out folder that holds another run is refused and left as it is") {
  testing::TempDir temp;
  write_task(temp.path());
  FinetuneSettings s = tiny(temp.path(), temp / "run");
  train(s);
  const std::string before = testing::read_file(fs::path(s.out) / "run.json");
  CHECK(failure(s).find("--resume") != std::string::npos);
  s.seed = 7;
  CHECK(!failure(s).empty());
  s.resume = true;
  CHECK(failure(s).find("seed") != std::string::npos);
  CHECK(testing::read_file(fs::path(s.out) / "run.json") == before);
}

TEST_CASE("settings that cannot work are refused with the flag's name") {
  testing::TempDir temp;
  write_task(temp.path());
  const auto with = [&](auto change) {
    FinetuneSettings s = tiny(temp.path(), temp / "never");
    change(s);
    return failure(s);
  };
  CHECK(with([](auto& s) { s.batch_size = 0; }).find("--batch-size") != std::string::npos);
  CHECK(with([](auto& s) { s.dropout = 1; }).find("--dropout") != std::string::npos);
  CHECK(with([](auto& s) { s.max_length = 2; }).find("--max-length") != std::string::npos);
  CHECK(with([](auto& s) { s.max_length = 64; }).find("32 positions") != std::string::npos);
  CHECK(with([](auto& s) { s.schedule = "stepwise"; }).find("linear") != std::string::npos);
  CHECK(with([](auto& s) { s.strategy = "bitfitt"; }).find("bitfit") != std::string::npos);
  CHECK(with([](auto& s) { s.strategy = "lora:rank=4"; }).find("did you mean r?") !=
        std::string::npos);
  CHECK(with([](auto& s) { s.strategy = "lora:lora_alpha=4"; }).find("did you mean alpha?") !=
        std::string::npos);
  CHECK(with([](auto& s) {
          s.strategy = "lora:r";
          s.data = "/nowhere";  // the spec is read before the data
        }).find("key=value") != std::string::npos);
  CHECK(with([](auto& s) { s.task = "sst3"; }).find("sst2") != std::string::npos);
  CHECK(with([](auto& s) { s.model = "no-such-folder"; }).find("no-such-folder") !=
        std::string::npos);
  CHECK(with([](auto& s) { s.model = "random:layer=2"; }).find("layers") != std::string::npos);
  CHECK(with([](auto& s) { s.lr = 1e30; }).find("--lr") !=
        std::string::npos);  // the loss is not finite
  CHECK(with([&](auto& s) { s.data = (temp / "nowhere").string(); }).find("nowhere") !=
        std::string::npos);
}

TEST_CASE("--resume and --out need no other flag, and another flag has to agree") {
  testing::TempDir temp;
  write_task(temp.path());
  FinetuneSettings whole = tiny(temp.path(), temp / "whole");
  whole.strategy = "lora:r=2";
  train(whole);
  FinetuneSettings s = whole;
  s.out = (temp / "part").string();
  CHECK_FALSE(train(s, 3).finished);
  const auto resume = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"finetune", "--resume", "--out", s.out};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return apps::parse_finetune(static_cast<int>(argv.size()), argv.data()).settings;
  };
  CHECK(failure(resume({"--seed", "9"})).find("seed") != std::string::npos);
  CHECK(failure(resume({"--strategy", "bitfit"})).find("strategy") != std::string::npos);
  CHECK(train(resume({"--save-every", "9"})).finished);
  CHECK(same_bytes(fs::path(whole.out) / "adapter" / "adapter_model.safetensors",
                   fs::path(s.out) / "adapter" / "adapter_model.safetensors"));
}

TEST_CASE("a run that was begun under other rules is refused and left as it is") {
  testing::TempDir temp;
  write_task(temp.path());
  FinetuneSettings s = tiny(temp.path(), temp / "old");
  CHECK_FALSE(train(s, 3).finished);
  const fs::path file = fs::path(s.out) / "run.json";
  engine::Json record = engine::json_file(file);
  record["settings"].erase("rules");  // as versions before them wrote it
  testing::write_file(file, engine::json_text(record, 2));
  s.resume = true;
  CHECK(failure(s).find("was begun under rules 1") != std::string::npos);
  CHECK(engine::json_file(file) == record);
}

TEST_CASE("the command line fills the settings and refuses what it does not know") {
  const char* good[] = {"glue_finetune", "--task",   "cola", "--data", "x",       "--model", "m",
                        "--strategy",    "lora:r=4", "--lr", "0.001",  "--resume"};
  const apps::FinetuneCommand command =
      apps::parse_finetune(static_cast<int>(std::size(good)), good);
  CHECK(command.settings.task == "cola");
  CHECK(command.settings.strategy == "lora:r=4");
  CHECK(command.settings.lr == doctest::Approx(0.001));
  CHECK(command.settings.resume);
  const char* bad[] = {"glue_finetune", "--stratgy", "full"};
  CHECK_THROWS_AS(apps::parse_finetune(3, bad), engine::Error);
}

TEST_CASE("a preset stands below the flags, and says what it sets") {
  const auto parse = [](std::vector<const char*> words) {
    words.insert(words.begin(), "finetune");
    return apps::parse_finetune(static_cast<int>(words.size()), words.data());
  };
  const apps::FinetuneCommand plain =
      parse({"--preset", "lora-e2e", "--data", "E2E", "--model", "m"});
  CHECK(plain.settings.task == "e2e");
  CHECK(plain.settings.lr == 2e-4);
  CHECK(plain.settings.warmup_steps == 500);
  CHECK(plain.settings.batch_size == 8);
  CHECK(plain.settings.label_smoothing == 0.1);
  CHECK(plain.settings.generation.at("num_beams") == 10);
  CHECK(plain.note.find("--warmup-steps 500") != std::string::npos);
  CHECK(plain.note.find("given instead") == std::string::npos);

  const apps::FinetuneCommand given =
      parse({"--lr", "1e-3", "--preset", "lora-e2e", "--data", "E2E", "--model", "m", "--num-beams",
             "4", "--strategy", "full"});
  CHECK(given.settings.lr == 1e-3);
  CHECK(given.settings.strategy == "full");
  CHECK(given.settings.epochs == 5);
  CHECK(given.settings.generation.at("num_beams") == 4);
  CHECK(given.settings.generation.at("length_penalty") == 0.9);
  CHECK(given.note.find("given instead: --strategy full --lr 0.001 --num-beams 4") !=
        std::string::npos);
  CHECK_THROWS_WITH_AS(parse({"--preset", "lora"}), doctest::Contains("known: lora-e2e, "),
                       engine::Error);
}

TEST_CASE("a run of a preset is resumed with its settings, and by no other") {
  testing::TempDir temp;
  write_task(temp.path());
  FinetuneSettings s = tiny(temp.path(), temp / "run");
  s.preset = "lora-sst2";
  CHECK_FALSE(train(s, 3).finished);
  const auto resume = [&](std::vector<const char*> words) {
    words.insert(words.begin(), {"finetune", "--resume", "--out", s.out.c_str()});
    return apps::parse_finetune(static_cast<int>(words.size()), words.data()).settings;
  };
  CHECK(resume({}).preset == "lora-sst2");
  CHECK(resume({"--preset", "lora-sst2"}).lr == s.lr);  // the run's
  CHECK(failure(resume({"--preset", "bitfit-sst2"})).find("preset") != std::string::npos);
  CHECK(train(resume({})).finished);
}

TEST_CASE("--warmup-steps counts updates where it is given") {
  FinetuneSettings s;
  s.warmup_ratio = 0.5;
  CHECK(run::make_schedule(s, 100).warmup() == 50);
  s.warmup_steps = 7;
  CHECK(run::make_schedule(s, 100).warmup() == 7);
  CHECK(run::make_schedule(s, 5).warmup() == 4);  // an update is left to learn at the full rate
}
