// What a run is told: refused with the flag's name, taken from a record, never changed on the way.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "apps/finetune/command.h"
#include "engine/io/run_folder.h"
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
