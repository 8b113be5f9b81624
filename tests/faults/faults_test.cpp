// A fault at every file operation of a run of training and of one of pretraining. Whatever it is,
// the same command (with --resume, once the run is begun) then ends as a run without faults does,
// bit for bit, and leaves nothing behind.
//
// A run has a hundred operations and more. By default kPoints of them meet a fault, at equal
// distances, the first and the last among them; with PEFT_FAULTS=every each of them does, and with
// PEFT_FAULTS=all each meets every kind of fault (tests/faults/fault.cpp) in a run of its own.
// Otherwise the kinds take turns.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/base/number.h"
#include "engine/io/run_folder.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using engine::Json;

const char* const kKinds[] = {"kill", "torn", "full", "short", "eintr", "term"};

struct Fault {
  std::string under;  // empty: none
  long at = 0;
  std::string kind = "none";
};

// The exit code of `peft WORDS...`, or minus a signal.
int run(const Words& words, const Fault& fault, const testing::TempDir& dir) {
  const std::string program = (testing::binary_dir() / "bin" / "peft").string();
  std::vector<char*> argv = {const_cast<char*>("peft")};
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const std::string log = (dir / "log").string(), count = (dir / "count").string();
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::setenv("OMP_WAIT_POLICY", "passive", 1);
    ::setenv("OMP_NUM_THREADS", "1", 1);
    if (!fault.under.empty()) {
      ::setenv("LD_PRELOAD", (testing::binary_dir() / "bin" / "libpeft_fault.so").c_str(), 1);
      ::setenv("FAULT_UNDER", fault.under.c_str(), 1);
      ::setenv("FAULT_AT", std::to_string(fault.at).c_str(), 1);
      ::setenv("FAULT_KIND", fault.kind.c_str(), 1);
      ::setenv("FAULT_COUNT", count.c_str(), 1);
    }
    ::alarm(120);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// What a run leaves, by the path of the file: everything but times, speeds and paths.
std::map<std::string, std::string> results(const fs::path& out) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(out)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), out);
    std::string text = testing::read_file(entry.path());
    if (name == "metrics.jsonl") {
      text.clear();
      for (Json line : engine::read_metrics(entry.path())) {
        for (const char* key : {"seconds", "tokens_per_second", "part_of_peak"}) line.erase(key);
        text += engine::json_text(line) + "\n";
      }
    } else if (name == "run.json") {
      const Json json = engine::json_file(entry.path());
      text = engine::json_text(json.contains("status") ? json["status"] : json["finished"]);
    } else if (name == "training_state.safetensors" || name == "run.lock") {
      text.clear();  // holds times
    }
    files[name] = text;
  }
  return files;
}

constexpr size_t kPoints = 24;

struct Point {
  long at;  // the operation, from 1
  std::string kind;
};

std::vector<Point> points_of(long operations) {
  const char* given = std::getenv("PEFT_FAULTS");
  const std::string wanted = given ? given : "";
  REQUIRE((wanted.empty() || wanted == "every" || wanted == "all"));
  const auto n = static_cast<size_t>(operations), kinds = std::size(kKinds);
  std::vector<Point> points;
  const size_t count = wanted.empty() ? std::min(n, kPoints) : n;
  for (size_t i = 0; i < count; ++i) {
    const auto at = static_cast<long>(1 + i * (n - 1) / std::max<size_t>(1, count - 1));
    for (size_t k = 0; k < kinds; ++k)
      if (wanted == "all" || k == i % kinds) points.push_back({at, kKinds[k]});
  }
  return points;
}

// `words` make the run in dir/out. Returns how many faults ended otherwise.
int64_t try_all(const std::function<Words(const fs::path& out)>& words, const std::string& name) {
  const testing::TempDir dir;
  const fs::path out = dir / "out";
  REQUIRE(run(words(out), {out.string()}, dir) == 0);
  const auto expected = results(out);
  REQUIRE(expected.size() > 4);
  const auto operations = engine::to_number<long>(testing::read_file(dir / "count"));
  REQUIRE(operations);
  REQUIRE(*operations > 20);
  int64_t tried = 0, differ = 0;
  for (const auto& [at, kind] : points_of(*operations)) {
    fs::remove_all(out);
    ++tried;
    int code = run(words(out), {out.string(), at, kind}, dir);
    std::string story = "fault: " + std::to_string(code) + "\n" + testing::read_file(dir / "log");
    for (int again = 0; code != 0 && again < 3; ++again) {
      Words resumed = words(out);
      if (fs::exists(out / "run.json")) resumed.push_back("--resume");
      code = run(resumed, {}, dir);
      story += "again: " + std::to_string(code) + "\n" + testing::read_file(dir / "log");
    }
    const auto found = code == 0 ? results(out) : std::map<std::string, std::string>();
    if (code == 0 && found == expected) continue;
    if (++differ > 5) continue;  // enough to look at
    std::string names;
    for (const auto& [file, text] : expected)
      if (!found.contains(file) || found.at(file) != text) names += " " + file;
    for (const auto& [file, text] : found)
      if (!expected.contains(file)) names += " +" + file;
    MESSAGE(name, ", ", kind, " at operation ", at, " of ", *operations, ": differ:", names, "\n",
            story);
  }
  MESSAGE(name, ": ", *operations, " operations, ", tried, " faults, ", differ, " ended otherwise");
  return differ;
}

fs::path tokenizer() { return testing::source_dir() / "data/pretrained/peft-2x256"; }

}  // namespace

TEST_CASE("faults: training") {
  const Words common = {"--data",
                        (testing::source_dir() / "data/demo/reviews").string(),
                        "--task",
                        "sst2",
                        "--tokenizer",
                        tokenizer().string(),
                        "--model",
                        "random:layers=1,hidden=32,positions=32",
                        "--max-length",
                        "8",
                        "--max-steps",
                        "6",
                        "--batch-size",
                        "4",
                        "--eval-every",
                        "3",
                        "--log-every",
                        "2",
                        "--max-train-samples",
                        "40",
                        "--max-eval-samples",
                        "16",
                        "--lr",
                        "1e-3"};
  for (const Words& more :
       std::vector<Words>{{"--strategy", "full"}, {"--strategy", "lora:r=2", "--patience", "9"}}) {
    CHECK(try_all(
              [&](const fs::path& out) {
                Words words = {"finetune", "--out", out.string()};
                words.insert(words.end(), common.begin(), common.end());
                words.insert(words.end(), more.begin(), more.end());
                return words;
              },
              "training " + more[1]) == 0);
  }
}

TEST_CASE("faults: pretraining") {
  const testing::TempDir dir;
  const std::string reviews =
      testing::read_file(testing::source_dir() / "data/demo/reviews/train.tsv");
  std::string text;
  int lines = 0;
  for (size_t at = reviews.find('\n') + 1; at < reviews.size() && lines < 300;) {
    const size_t tab = reviews.find('\t', at);
    text += reviews.substr(at, tab - at) + (++lines % 4 ? "\n" : "\n\n");
    at = reviews.find('\n', tab) + 1;
  }
  testing::write_file(dir / "corpus.txt", text);
  CHECK(try_all(
            [&](const fs::path& out) {
              return Words{"pretrain",
                           "--corpus",
                           (dir / "corpus.txt").string(),
                           "--tokenizer",
                           tokenizer().string(),
                           "--out",
                           out.string(),
                           "--model",
                           "random:layers=1,hidden=32,positions=32",
                           "--steps",
                           "8",
                           "--max-length",
                           "32",
                           "--batch-tokens",
                           "128",
                           "--held-out",
                           "10",
                           "--eval-every",
                           "4",
                           "--eval-tokens",
                           "300",
                           "--log-every",
                           "2",
                           "--save-every",
                           "0.001",
                           "--peak-gflops",
                           "100",
                           "--threads",
                           "1"};
            },
            "pretraining") == 0);
}
