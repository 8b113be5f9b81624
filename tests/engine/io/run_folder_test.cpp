#include "engine/io/run_folder.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace engine;
using testing::read_file;
using testing::TempDir;
using testing::write_file;
using Start = RunFolder::Start;

namespace {

const Json kSettings = {{"lr", 0.001}, {"epochs", 3}, {"strategy", {{"name", "lora"}, {"r", 8}}}};

Json with(const char* key, const Json& value) {
  Json changed = kSettings;
  changed[key] = value;
  return changed;
}

}  // namespace

TEST_CASE("a fresh folder is made, and has a record") {
  const TempDir dir;
  const auto path = dir / "runs/one";
  {
    RunFolder run(path, kSettings, Start::fresh);
    CHECK(run.state_file() == path / "training_state.safetensors");
    CHECK(json_file(run.record_file()) == Json({{"version", 1}, {"settings", kSettings}}));
    run.update({{"status", "running"}, {"machine", {{"cores", 2}}}});
    run.update({{"status", "finished"}});
    CHECK(run.record()["status"] == "finished");
    CHECK(json_file(run.record_file())["machine"]["cores"] == 2);
    CHECK_THROWS_WITH_AS(run.update(Json(3)),
                         doctest::Contains("fields should be an object, found the number 3"),
                         Error);
  }
  RunFolder again(path, kSettings, Start::resume);
  CHECK(again.record()["status"] == "finished");  // a resumed run finds its record
}

TEST_CASE("metrics are lines, read back in order") {
  const TempDir dir;
  RunFolder run(dir.path(), kSettings, Start::fresh);
  run.append({{"step", 1}, {"loss", 0.5}});
  CHECK(read_file(run.metrics_file()) == "{\"step\":1,\"loss\":0.5}\n");  // at once
  run.append({{"step", 2}, {"loss", 0.25}});
  const auto lines = read_metrics(run.metrics_file());
  REQUIRE(lines.size() == 2);
  CHECK(lines[1]["loss"] == 0.25);
  CHECK_THROWS_WITH_AS(run.append({{"loss", 1}}),
                       doctest::Contains("metrics.jsonl: \"step\" is missing"), Error);
  CHECK_THROWS_WITH_AS(run.append({{"step", "x"}}),
                       doctest::Contains("\"step\" should be an integer"), Error);
  CHECK_THROWS_WITH_AS(run.append(Json(1)), doctest::Contains("should be an object"), Error);
  run.append({{"step", 3}, {"note", "two\nlines"}});  // a newline is escaped
  CHECK(read_metrics(run.metrics_file()).size() == 3);
}

TEST_CASE("another run is never overwritten") {
  const TempDir dir;
  { RunFolder run(dir.path(), kSettings, Start::fresh); }
  const std::string record = read_file(dir / "run.json");
  CHECK_THROWS_WITH_AS(
      RunFolder(dir.path(), kSettings, Start::fresh),
      doctest::Contains(
          "already holds a run (with the same settings)\nhint: continue it with --resume"),
      Error);
  CHECK_THROWS_WITH_AS(
      RunFolder(dir.path(), with("strategy", {{"name", "lora"}, {"r", 4}}), Start::fresh),
      doctest::Contains("already holds a run (with other settings: strategy.r)"), Error);
  CHECK(read_file(dir / "run.json") == record);
  std::filesystem::remove(dir / "run.json");
  CHECK_THROWS_WITH_AS(RunFolder(dir.path(), kSettings, Start::fresh),
                       doctest::Contains("already holds a run (it has a metrics.jsonl)"), Error);
  std::filesystem::remove(dir / "metrics.jsonl");
  write_file(dir / "notes.txt", "mine");  // other people's files do not matter
  RunFolder run(dir.path(), kSettings, Start::fresh);
}

TEST_CASE("a run resumes with its own settings only") {
  const TempDir dir;
  CHECK_THROWS_WITH_AS(RunFolder(dir.path(), kSettings, Start::resume),
                       doctest::Contains("holds no run to resume\nhint: start it without --resume"),
                       Error);
  { RunFolder run(dir.path(), kSettings, Start::fresh); }
  Json other = with("lr", 0.1);
  other["new"] = 1;
  CHECK_THROWS_WITH_AS(
      RunFolder(dir.path(), other, Start::resume),
      doctest::Contains("the run was started with other settings: lr, new\nhint: resume with"),
      Error);
  { RunFolder run(dir.path(), with("epochs", 5), Start::resume, {"epochs"}); }
  CHECK(json_file(dir / "run.json")["settings"]["epochs"] == 5);
  Json inside = kSettings;
  inside["epochs"] = 5;
  inside["strategy"]["r"] = 4;
  CHECK_THROWS_AS(RunFolder(dir.path(), inside, Start::resume), Error);
  { RunFolder run(dir.path(), inside, Start::resume, {"strategy"}); }  // with all that is below it
  write_file(dir / "run.json", "{\"version\": 2, \"settings\": {}}");
  CHECK_THROWS_WITH_AS(RunFolder(dir.path(), kSettings, Start::resume),
                       doctest::Contains("has version 2, and this program knows 1"), Error);
  write_file(dir / "run.json", "{");
  CHECK_THROWS_WITH_AS(RunFolder(dir.path(), kSettings, Start::resume),
                       doctest::Contains("run.json: not valid JSON"), Error);
}

TEST_CASE("settings are compared as they are stored") {
  const TempDir dir;
  const Json odd = {{"float", 0.1f}, {"nan", std::numeric_limits<double>::quiet_NaN()}};
  { RunFolder run(dir.path(), odd, Start::fresh); }
  RunFolder run(dir.path(), odd, Start::resume);
}

TEST_CASE("rewinding drops what a resumed run will write again") {
  const TempDir dir;
  std::optional<RunFolder> run(std::in_place, dir.path(), kSettings, Start::fresh);
  for (int step = 1; step <= 5; ++step) {
    run->append({{"step", step}, {"kind", "train"}});
    run->append({{"step", step}, {"kind", "dev"}});
  }
  CHECK(run->rewind(5) == 0);
  CHECK(run->rewind(3) == 4);
  CHECK(read_metrics(run->metrics_file()).size() == 6);
  run->append({{"step", 4}});
  CHECK(read_metrics(run->metrics_file()).back()["step"] == 4);
  run.reset();

  // A process that was killed while it wrote: half a line at the end.
  write_file(dir / "metrics.jsonl", read_file(dir / "metrics.jsonl") + "{\"step\":5,\"lo");
  CHECK(read_metrics(dir / "metrics.jsonl").size() == 7);
  run.emplace(dir.path(), kSettings, Start::resume);
  run->append({{"step", 5}});
  CHECK(read_metrics(dir / "metrics.jsonl").size() == 8);
  CHECK(run->rewind(0) == 8);
  CHECK(read_file(dir / "metrics.jsonl").empty());
  run.reset();

  write_file(dir / "metrics.jsonl", "{\"step\":1}\nnonsense\n");
  CHECK_THROWS_WITH_AS(RunFolder(dir.path(), kSettings, Start::resume),
                       doctest::Contains("metrics.jsonl, line 2: not valid JSON"), Error);
  CHECK_THROWS_WITH_AS(read_metrics(dir / "metrics.jsonl"),
                       doctest::Contains("line 2: not valid JSON"), Error);
}

TEST_CASE("one writer at a time; a killed one leaves no lock behind") {
  const TempDir dir;
  std::optional<RunFolder> run(std::in_place, dir.path(), kSettings, Start::fresh);
  const std::string owner =
      "another process (" + std::to_string(getpid()) + ") is writing to this folder";
  CHECK_THROWS_WITH_AS(RunFolder(dir.path(), kSettings, Start::resume),
                       doctest::Contains(owner.c_str()), Error);
  run.reset();
  const pid_t child = fork();
  if (child == 0) {
    RunFolder held(dir.path(), kSettings, Start::resume);
    _exit(0);  // without destructors
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  RunFolder next(dir.path(), kSettings, Start::resume);
}

TEST_CASE("a full disk leaves whole lines") {
  const TempDir dir;
  RunFolder run(dir.path(), kSettings, Start::fresh);
  run.append({{"step", 1}});
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{30, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_THROWS_WITH_AS(run.append({{"step", 2}, {"note", std::string(100, 'x')}}),
                       doctest::Contains("metrics.jsonl: cannot be written: File too large"),
                       Error);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old);
  CHECK(read_file(run.metrics_file()) == "{\"step\":1}\n");
  run.append({{"step", 2}});
  CHECK(read_metrics(run.metrics_file()).size() == 2);
}

TEST_CASE("places that cannot be a folder, settings that are none") {
  const TempDir dir;
  write_file(dir / "file", "");
  CHECK_THROWS_WITH_AS(RunFolder(dir / "file", kSettings, Start::fresh),
                       doctest::Contains("file: cannot be made"), Error);
  CHECK_THROWS_WITH_AS(RunFolder(dir / "x", Json(1), Start::fresh),
                       doctest::Contains("settings should be an object"), Error);
}

TEST_CASE("differing keys are dotted paths") {
  CHECK(differing_keys(kSettings, kSettings).empty());
  Json b = kSettings;
  b["strategy"]["alpha"] = 1;
  b.erase("lr");
  CHECK(differing_keys(kSettings, b) == std::vector<std::string>{"lr", "strategy.alpha"});
  CHECK(differing_keys({{"a", {{"x", 1}}}}, {{"a", 3}}) == std::vector<std::string>{"a"});
  CHECK(differing_keys(Json(1), Json(2)) == std::vector<std::string>{"(all)"});
}
