// Whole sweeps by the program itself: processes that are killed, and several workers.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "engine/io/json.h"
#include "tests/support/paths.h"

using engine::Json;
namespace fs = std::filesystem;

namespace {

// Six runs of a tiny random model: two strategies, three seeds.
std::vector<std::string> sweep_flags(const fs::path& out) {
  const fs::path data = testing::source_dir() / "data" / "demo" / "reviews";
  return {"sweep",        "--model",      "random:layers=1,hidden=32,heads=2",
          "--task",       "sst2",         "--data",
          data.string(),  "--strategies", "frozen bitfit",
          "--seeds",      "1 2 3",        "--set",
          "max_steps=30", "--set",        "threads=1",
          "--set",        "save_every=1", "--out",
          out.string()};
}

pid_t start(std::vector<std::string> arguments, const fs::path& log) {
  const std::string program = (testing::binary_dir() / "bin" / "peft").string();
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(fd);
  REQUIRE(child > 0);
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Metrics and counts of every run, which do not depend on the clock.
std::map<std::string, std::string> results(const fs::path& out) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::directory_iterator(out)) {
    if (!fs::exists(entry.path() / "run.json")) continue;
    const Json record = engine::json_file(entry.path() / "run.json");
    all[entry.path().filename().string()] = record.value("status", "") +
                                            engine::json_text(record.value("metrics", Json())) +
                                            testing::read_file(entry.path() / "predictions.tsv");
  }
  return all;
}

// The report as CSV, without the columns that the clock, memory and the folder's name decide.
std::string report(const fs::path& out, const testing::TempDir& dir) {
  const fs::path file = dir / (out.filename().string() + ".csv");
  CHECK(wait_for(start({"compare", out.string(), "--csv", file.string()}, dir / "compare.log")) ==
        0);
  std::string text, line;
  std::ifstream in(file);
  std::vector<bool> keep;
  while (std::getline(in, line)) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (const char ch : line) {
      if (ch == '"') quoted = !quoted;
      if (ch == ',' && !quoted)
        cells.emplace_back();
      else
        cells.back() += ch;
    }
    std::string kept;
    for (size_t c = 0; c < cells.size(); ++c) {
      if (text.empty())
        keep.push_back(cells[c].find("second") == std::string::npos &&
                       cells[c] != "peak_memory_bytes" && cells[c] != "runs" &&
                       cells[c].find("_ms") == std::string::npos);
      if (keep.at(c)) kept += cells[c] + ",";
    }
    text += kept + "\n";
  }
  return text;
}

bool until(const std::function<bool()>& holds) {
  for (int i = 0; i < 6000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

TEST_CASE("sweep: killed in the middle and gone on with by two workers, it ends the same") {
  testing::TempDir dir;
  const fs::path whole = dir / "whole", broken = dir / "broken";
  CHECK(wait_for(start(sweep_flags(whole), dir / "whole.log")) == 0);
  const auto expected = results(whole);
  REQUIRE_MESSAGE(expected.size() == 6, testing::read_file(dir / "whole.log"));

  const pid_t first = start(sweep_flags(broken), dir / "first.log");
  // The second run has begun to train.
  const auto begun = [&] {
    int runs = 0;
    if (fs::exists(broken))
      for (const auto& entry : fs::directory_iterator(broken))
        runs += fs::exists(entry.path() / "metrics.jsonl");
    return runs >= 2;
  };
  REQUIRE_MESSAGE(until(begun), testing::read_file(dir / "first.log"));
  ::kill(first, SIGKILL);
  CHECK(wait_for(first) == -SIGKILL);

  const pid_t a = start(sweep_flags(broken), dir / "a.log"),
              b = start(sweep_flags(broken), dir / "b.log");
  CHECK(wait_for(a) == 0);
  CHECK(wait_for(b) == 0);
  const std::string logs = testing::read_file(dir / "a.log") + testing::read_file(dir / "b.log");
  CAPTURE(logs);
  CHECK(results(broken) == expected);
  const std::string whole_report = report(whole, dir);
  CHECK(whole_report.find("bitfit") != std::string::npos);
  CHECK(report(broken, dir) == whole_report);
  // No run was finished twice.
  const std::string all = testing::read_file(dir / "first.log") + logs;
  for (const auto& [name, result] : expected) {
    size_t times = 0;
    for (size_t at = 0; (at = all.find(name + ": finished", at)) != std::string::npos; ++at)
      ++times;
    CHECK_MESSAGE(times <= 1, name);
  }

  // Everything is finished: nothing is begun, with the plan that is kept in the folder.
  CHECK(wait_for(start({"sweep", "--out", broken.string()}, dir / "again.log")) == 0);
  const std::string again = testing::read_file(dir / "again.log");
  CHECK(again.find("begun") == std::string::npos);
  CHECK(again.find("6 of 6 runs finished") != std::string::npos);
}

TEST_CASE("sweep: a run that fails is recorded with its message, and the others go on") {
  testing::TempDir dir;
  Json plan = {
      {"models", {"random:layers=1,hidden=32,heads=2"}},
      {"tasks", {"sst2"}},
      {"strategies", {{{"strategy", "frozen"}, {"data", (dir / "nothing").string()}}, "frozen"}},
      {"settings",
       {{"data", (testing::source_dir() / "data" / "demo" / "reviews").string()},
        {"max_steps", 2},
        {"threads", 1}}}};
  testing::write_file(dir / "plan.json", plan.dump());
  const std::vector<std::string> flags = {"sweep", "--plan", (dir / "plan.json").string(), "--out",
                                          (dir / "out").string()};
  CHECK(wait_for(start(flags, dir / "log")) == 1);
  const std::string log = testing::read_file(dir / "log");
  CAPTURE(log);
  CHECK(log.find("1 of 2 runs finished, 1 failed") != std::string::npos);
  const Json record = engine::json_file(dir / "out" / "sweep.json");
  CHECK(record["runs"][0]["status"] == "failed");
  CHECK(record["runs"][0]["message"].get<std::string>().find("nothing") != std::string::npos);
  CHECK(record["runs"][1]["status"] == "finished");
}

TEST_CASE("sweep: SIGTERM stops a run so that it can be resumed") {
  testing::TempDir dir;
  std::vector<std::string> flags = sweep_flags(dir / "out");
  flags.insert(flags.end(), {"--set", "max_steps=100000"});
  const pid_t worker = start(flags, dir / "log");
  const auto trains = [&] {
    return fs::exists(dir / "out") &&
           testing::read_file(dir / "log").find("begun") != std::string::npos &&
           fs::exists(dir / "out" / "random-layers-1-hidden-32-heads-2-sst2-frozen-1" /
                      "metrics.jsonl");
  };
  REQUIRE_MESSAGE(until(trains), testing::read_file(dir / "log"));
  ::kill(worker, SIGTERM);
  CHECK(wait_for(worker) == 128 + SIGTERM);
  const std::string log = testing::read_file(dir / "log");
  CAPTURE(log);
  CHECK(log.find("stopped, to be resumed") != std::string::npos);
  const Json record = engine::json_file(dir / "out" / "sweep.json");
  CHECK(record["runs"][0]["status"] == "unfinished");
}

TEST_CASE(
    "sweep: the dry run lists hours and memory, and mistakes are found before anything runs") {
  testing::TempDir dir;
  std::vector<std::string> flags = sweep_flags(dir / "out");
  flags.push_back("--dry-run");
  CHECK(wait_for(start(flags, dir / "log")) == 0);
  const std::string log = testing::read_file(dir / "log");
  CHECK(log.find("6 of 6 runs to do") != std::string::npos);
  CHECK_FALSE(fs::exists(dir / "out"));
  flags = sweep_flags(dir / "out");
  flags.insert(flags.end(), {"--set", "batch-siz=3"});
  CHECK(wait_for(start(flags, dir / "bad")) == 2);
  CHECK(testing::read_file(dir / "bad").find("batch-size") != std::string::npos);
  CHECK_FALSE(fs::exists(dir / "out"));
}
