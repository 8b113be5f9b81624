// Plans, what comes next, and claims: without training anything.
#include <doctest/doctest.h>

#include <set>

#include "engine/base/error.h"
#include "run/sweep/schedule.h"
#include "tests/support/paths.h"

using namespace run;
using engine::Json;
using Status = RunState::Status;

namespace {

Json example() {
  return {{"models", {"/models/minilm/"}},
          {"tasks", {"sst2", {{"task", "mrpc"}, {"epochs", 4}}}},
          {"strategies", {"frozen", {{"strategy", "lora:r=8"}, {"lr", {5e-4, 2e-3}}}}},
          {"lr", {1e-3, 5e-3, 2e-2}},
          {"seeds", {1, 2}},
          {"settings", {{"data", "glue"}, {"epochs", 3}, {"cache_features", false}}}};
}

RunState finished(double score, double seconds = 1) {
  RunState state;
  state.status = Status::finished;
  state.score = score;
  state.seconds = seconds;
  return state;
}

std::vector<std::string> names(const SweepPlan& plan, const std::vector<size_t>& runs) {
  std::vector<std::string> out;
  for (const size_t i : runs) out.push_back(plan.runs[i].name);
  return out;
}

}  // namespace

TEST_CASE("sweep plan: every cell with one seed first; later settings win") {
  const SweepPlan plan = read_plan(example(), "plan.json");
  REQUIRE(plan.runs.size() == 2 * 2 * (3 + 2));
  std::set<std::string> all;
  for (const SweepRun& run : plan.runs) all.insert(run.name);
  CHECK(all.size() == plan.runs.size());
  CHECK(plan.runs[0].name == "minilm-sst2-frozen-0.001-1");
  CHECK(plan.runs[1].name == "minilm-sst2-lora-r-8-0.0005-1");
  CHECK(plan.runs[9].settings["seed"] == 1);
  CHECK(plan.runs[10].settings["seed"] == 2);
  CHECK(plan.runs[2].settings["epochs"] == 4);
  const std::vector<std::string> flags = plan.runs[1].flags();
  CHECK(flags == std::vector<std::string>{"--data=glue", "--epochs=3", "--model=/models/minilm/",
                                          "--task=sst2", "--strategy=lora:r=8", "--lr=0.0005",
                                          "--seed=1"});
}

TEST_CASE("sweep plan: two items of one name are two cells, and best is the best checkpoint") {
  Json json = example();
  json["strategies"] = {{{"strategy", "lora"}, {"epochs", 1}},
                        {{"strategy", "lora"}, {"epochs", 2}}};
  json["select"] = {{"checkpoint", "best"}};
  const SweepPlan plan = read_plan(json, "plan.json");
  std::set<std::string> cells;
  for (const SweepRun& run : plan.runs) cells.insert(run.cell);
  CHECK(cells.size() == 4);
  CHECK(plan.runs[0].settings["patience"] == 1000000);
}

TEST_CASE("sweep plan: a mistake is named with its place") {
  const auto fails = [](const char* pointer, const Json& value, const char* message) {
    Json json = example();
    json[Json::json_pointer(pointer)] = value;
    CHECK_THROWS_WITH_AS(read_plan(json, "plan.json"), doctest::Contains(message), engine::Error);
  };
  fails("/seedz", 1, "\"seedz\" is not known");
  fails("/models", Json::array(), "at least one item");
  fails("/models/0", 3, "\"models\"[0]: should be a name or an object");
  fails("/strategies/1/lr", {0.1, -1}, "expected a number above 0");
  fails("/strategies/1/out", "x", "set by the sweep itself");
  fails("/strategies/1/--lr", 1, "is no flag of finetune");
  fails("/seeds", {1, 1}, "different numbers");
  fails("/settings/epochs", {1, 2}, "should be a string, a number");
  fails("/select", Json{{"checkpoint", "median"}}, "known are last and best");
  fails("/lr", "fast", "should be an array");
  CHECK_THROWS_AS(read_plan(Json::array(), "plan.json"), engine::Error);
}

TEST_CASE("sweep plan: no name leaves the folder") {
  Json json = example();
  json["models"] = {"../..", "/", "a/../../etc", "--x", "random:layers=2,hidden=32"};
  for (const SweepRun& run : read_plan(json, "plan.json").runs) {
    CHECK(run.name.find('/') == std::string::npos);
    CHECK(run.name.front() != '.');
    CHECK(run.name.front() != '-');
  }
}

TEST_CASE("sweep schedule: what is over is not run again") {
  const SweepPlan plan = read_plan(example(), "plan.json");
  std::vector<RunState> states(plan.runs.size());
  CHECK(schedule(plan, states, false).queue.size() == plan.runs.size());
  states[0] = finished(0.5);
  states[1].status = Status::failed;
  states[2].status = Status::unfinished;
  const Schedule s = schedule(plan, states, false);
  CHECK(s.queue.size() == plan.runs.size() - 2);
  CHECK(s.queue.front() == 2);
  CHECK(s.dropped.empty());
}

TEST_CASE("sweep schedule: the better half of the rates gets the next seed") {
  Json json = {{"models", {"m"}},
               {"tasks", {"sst2"}},
               {"strategies", {"lora"}},
               {"lr", {1, 2, 3, 4}},
               {"seeds", {1, 2, 3, 4}}};
  const SweepPlan plan = read_plan(json, "plan.json");
  std::vector<RunState> states(plan.runs.size());
  Schedule s = schedule(plan, states, true);
  CHECK(names(plan, s.queue) == std::vector<std::string>{"m-sst2-lora-1-1", "m-sst2-lora-2-1",
                                                         "m-sst2-lora-3-1", "m-sst2-lora-4-1"});
  CHECK(s.waiting);
  // Rates 2 and 4 win the first round. A rung is decided when all of it is over.
  for (const auto& [rate, score] : {std::pair{0, 0.5}, {1, 0.8}, {2, 0.6}})
    states[rate] = finished(score);
  CHECK(schedule(plan, states, true).queue == std::vector<size_t>{3});
  states[3] = finished(0.7);
  s = schedule(plan, states, true);
  CHECK(names(plan, s.queue) == std::vector<std::string>{"m-sst2-lora-2-2", "m-sst2-lora-4-2"});
  REQUIRE(s.dropped.size() == 6);
  CHECK(plan.runs[s.dropped[0].run].name == "m-sst2-lora-1-2");
  CHECK(s.dropped[0].reason == "this rate has 50.00 after 1 seed, the best 80.00");
  // Rate 4 is better by the mean of two seeds, and alone gets the others.
  states[5] = finished(0.6);
  states[7] = finished(0.9);
  s = schedule(plan, states, true);
  CHECK(names(plan, s.queue) == std::vector<std::string>{"m-sst2-lora-4-3"});
  states[11] = finished(0.8);
  states[15] = finished(0.8);
  s = schedule(plan, states, true);
  CHECK(s.queue.empty());
  CHECK_FALSE(s.waiting);
  CHECK(s.dropped.size() == 8);
}

TEST_CASE("sweep schedule: a rate that fails is out, and all that fail end the cell") {
  Json json = {{"models", {"m"}},
               {"tasks", {"sst2"}},
               {"strategies", {"lora"}},
               {"lr", {1, 2}},
               {"seeds", {1, 2}}};
  const SweepPlan plan = read_plan(json, "plan.json");
  std::vector<RunState> states(plan.runs.size());
  states[0].status = Status::failed;
  states[1] = finished(0.1);
  CHECK(names(plan, schedule(plan, states, true).queue) ==
        std::vector<std::string>{"m-sst2-lora-2-2"});
  states[1].status = Status::failed;
  CHECK(schedule(plan, states, true).queue.empty());
  CHECK_FALSE(schedule(plan, states, true).waiting);
}

TEST_CASE("sweep schedule: times are from the runs that are most alike") {
  const SweepPlan plan = read_plan(example(), "plan.json");
  std::vector<RunState> states(plan.runs.size());
  CHECK_FALSE(predicted_seconds(plan, states, 0));
  states[3] = finished(0.5, 100);  // mrpc, lora
  CHECK(*predicted_seconds(plan, states, 0) == 100);
  states[1] = finished(0.5, 40);  // sst2, lora
  CHECK(*predicted_seconds(plan, states, 0) == 40);
  states[4] = finished(0.5, 10);  // sst2, frozen, another rate
  CHECK(*predicted_seconds(plan, states, 0) == 10);
}

TEST_CASE("sweep folder: a claim excludes others, a failure is kept, other settings are refused") {
  testing::TempDir dir;
  const SweepPlan plan = read_plan(example(), "plan.json");
  const SweepFolder folder(dir.path()), other(dir.path());
  const SweepRun& run = plan.runs[0];
  {
    const auto claim = folder.claim(run);
    REQUIRE(claim);
    CHECK(other.claim(run) == nullptr);
    CHECK(other.claim(plan.runs[1]) != nullptr);
  }
  CHECK(other.claim(run) != nullptr);
  CHECK(folder.state(run).status == Status::absent);
  folder.record_failure(run, "no such \"file\"\nhint: x");
  CHECK(other.state(run).status == Status::failed);
  CHECK(other.state(run).message == "no such \"file\"\nhint: x");
  folder.forget_failure(run);
  std::filesystem::create_directories(folder.run_folder(run));
  const auto write = [&](const Json& json) {
    testing::write_file(folder.run_folder(run) / "run.json", json.dump());
  };
  Json record = {{"status", "running"}, {"settings", run.settings}};
  write(record);
  CHECK(folder.state(run).status == Status::unfinished);
  record["status"] = "finished";
  record["seconds"] = 12.5;
  record["metrics"] = {{"dev_matched", {{"score", 0.8}}}, {"dev_mismatched", {{"score", 0.6}}}};
  write(record);
  CHECK(folder.state(run).status == Status::finished);
  CHECK(*folder.state(run).score == doctest::Approx(0.7));
  CHECK(*folder.state(run).seconds == 12.5);
  record["settings"]["epochs"] = 30;
  write(record);
  CHECK_THROWS_WITH_AS(folder.state(run), doctest::Contains("epochs is 30, the plan says 3"),
                       engine::Error);
  testing::write_file(folder.run_folder(run) / "run.json", "{\"status\"");
  CHECK(folder.state(run).status == Status::failed);
}
