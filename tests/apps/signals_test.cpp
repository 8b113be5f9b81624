// Signals sent to the programs themselves at random moments: one exit code, one message, and a
// state from which --resume gives what a run without signals gives, bit for bit.
//
// 200 signals, 40 with sanitizers; PEFT_SIGNALS=1000 sends more. PEFT_SIGNALS_SEED chooses other
// moments.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/io/run_folder.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Words = std::vector<std::string>;

#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kSignals = 40;  // a run takes ten times as long there
#else
constexpr int64_t kSignals = 200;
#endif

// Small, so that most of a run is what a signal can harm: evaluations, metrics and saved states.
const char* kModel = "random:layers=1,hidden=32,heads=2,ffn=64,positions=64";

int64_t from_environment(const char* name, int64_t fallback) {
  const char* text = std::getenv(name);
  return text ? std::stoll(text) : fallback;
}

// A program of the build folder, running; its output goes to a file.
class Program {
 public:
  // `own_group`: as a shell starts a job. Ctrl-Z's signal is ignored in a group that nobody
  // watches.
  Program(const Words& words, const fs::path& log, rlim_t largest_file = RLIM_INFINITY,
          bool own_group = false)
      : log_(log) {
    const std::string program = (testing::binary_dir() / "bin" / words[0]).string();
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    fs::remove(log);  // of the program before
    // A signal may arrive before exec: it ends the child, and does not run doctest's handler there.
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t blocked, before;
    ::sigemptyset(&blocked);
    for (const int signal : signals) ::sigaddset(&blocked, signal);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    pid_ = ::fork();
    if (pid_ != 0) {
      ::sigprocmask(SIG_SETMASK, &before, nullptr);
      REQUIRE(pid_ > 0);
      return;
    }
    for (const int signal : signals)
      if (::signal(signal, SIG_DFL) == SIG_IGN) ::signal(signal, SIG_IGN);  // as nohup has it
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (own_group) ::setpgid(0, 0);
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    const rlimit limit{largest_file, largest_file};
    if (largest_file != RLIM_INFINITY) ::setrlimit(RLIMIT_FSIZE, &limit);
    ::setenv("OMP_WAIT_POLICY", "passive", 1);  // many programs share the cores of a test machine
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ~Program() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }

  void send(int signal) const { ::kill(pid_, signal); }
  pid_t pid() const { return pid_; }
  std::string output() const { return testing::read_file(log_); }

  // The exit code, or minus the signal that killed it.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  bool wait_until_stopped() const {
    int status = 0;
    return ::waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status);
  }

  // Until the output or the metrics say that the run is under way.
  bool wait_for(const std::string& text, const fs::path& file) const {
    for (int i = 0; i < 2000; ++i) {
      if (testing::read_file(file).find(text) != std::string::npos) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }

 private:
  fs::path log_;
  pid_t pid_ = -1;
};

// What two runs have in common: all but times and speeds.
std::vector<std::string> curve(const fs::path& run) {
  std::vector<std::string> lines;
  for (engine::Json line : engine::read_metrics(run / "metrics.jsonl")) {
    for (const char* key : {"seconds", "tokens_per_second", "part_of_peak"}) line.erase(key);
    lines.push_back(engine::json_text(line));
  }
  return lines;
}

Words finetune(const fs::path& out, int64_t steps, const std::string& model = kModel) {
  const std::string demo = (testing::source_dir() / "data/demo/reviews").string();
  return {"glue_finetune",
          "--task",
          "sst2",
          "--data",
          demo,
          "--model",
          model,
          "--tokenizer",
          (testing::source_dir() / "data/pretrained/peft-2x256").string(),
          "--out",
          out,
          "--max-steps",
          std::to_string(steps),
          "--max-length",
          "16",
          "--lr",
          "1e-3",
          "--max-eval-samples",
          "100",
          "--eval-every",
          "10",
          "--log-every",
          "5",
          "--batch-size",
          "8",
          "--threads",
          "2"};
}

Words pretrain(const fs::path& out, const fs::path& corpus, int64_t steps) {
  return {"pretrain",
          "--corpus",
          corpus,
          "--tokenizer",
          (testing::source_dir() / "data/pretrained/peft-2x256").string(),
          "--out",
          out,
          "--model",
          kModel,
          "--steps",
          std::to_string(steps),
          "--max-length",
          "32",
          "--batch-tokens",
          "128",
          "--grad-accumulation",
          "2",
          "--held-out",
          "20",
          "--eval-every",
          "10",
          "--eval-tokens",
          "200",
          "--log-every",
          "5",
          "--peak-gflops",
          "100",
          "--threads",
          "2"};
}

// Some of the demo reviews as paragraphs.
fs::path write_corpus(const testing::TempDir& dir) {
  const std::string reviews =
      testing::read_file(testing::source_dir() / "data/demo/reviews/train.tsv");
  std::string text;
  int lines = 0;
  for (size_t at = reviews.find('\n') + 1; at < reviews.size() && lines < 400;) {
    const size_t tab = reviews.find('\t', at);
    text += reviews.substr(at, tab - at) + (++lines % 4 ? "\n" : "\n\n");
    at = reviews.find('\n', tab) + 1;
  }
  testing::write_file(dir / "corpus.txt", text);
  return dir / "corpus.txt";
}

struct Tally {
  int64_t sent = 0, stopped = 0, finished = 0;
};

// Starts the run again and again, each time with a signal at a random moment, until it is finished
// or `signals` have been sent; then lets it finish.
Tally interrupt(Words words, const fs::path& out, const fs::path& log, int64_t signals,
                int64_t milliseconds_at_most, std::mt19937& random) {
  Tally tally;
  const Words fresh = words;
  while (tally.sent < signals) {
    words = fresh;
    if (fs::exists(out / "run.json")) words.push_back("--resume");
    const bool terminate = random() % 2 == 0, pause = random() % 8 == 0;
    const int signal = random() % 10 == 0 ? SIGHUP : terminate ? SIGTERM : SIGINT;
    Program program(words, log);
    std::this_thread::sleep_for(
        milliseconds(static_cast<int64_t>(random()) % milliseconds_at_most));
    if (pause) {
      program.send(SIGSTOP);
      program.send(SIGCONT);
    }
    program.send(signal);
    ++tally.sent;
    const int code = program.wait();
    const std::string output = program.output();
    CAPTURE(output);
    CAPTURE(tally.sent);
    // Before main has blocked the signals, the system ends the program: nothing was begun.
    if (code == -signal) {
      CHECK(output.empty());
      continue;
    }
    if (code == 0) {
      ++tally.finished;
      CHECK(output.find("error") == std::string::npos);
      break;
    }
    ++tally.stopped;
    REQUIRE(code == 128 + signal);
    REQUIRE(output.find("stopped") != std::string::npos);
    REQUIRE(output.find("--resume") != std::string::npos);
  }
  words = fresh;
  if (fs::exists(out / "run.json")) words.push_back("--resume");
  Program last(words, log);
  const int code = last.wait();
  CAPTURE(last.output());
  REQUIRE(code == 0);
  return tally;
}

// Half of the signals, at random moments of runs that `command` begins in the folder it is given.
// `results`: the files that must be those of a run without signals.
void check_random_moments(const std::string& kind,
                          const std::function<Words(const fs::path&)>& command,
                          const Words& results) {
  const int64_t signals = from_environment("PEFT_SIGNALS", kSignals) / 2;
  const auto seed = static_cast<unsigned>(from_environment("PEFT_SIGNALS_SEED", 1));
  std::mt19937 random(seed);
  const testing::TempDir dir;
  const fs::path expected = dir / "whole";
  const auto begin = std::chrono::steady_clock::now();
  Program whole(command(expected), dir / "whole.log");
  const int code = whole.wait();
  const auto span =
      std::chrono::duration_cast<milliseconds>((std::chrono::steady_clock::now() - begin) / 2);
  CAPTURE(whole.output());
  REQUIRE(code == 0);
  Tally total;
  for (int round = 0; total.sent < signals; ++round) {
    const fs::path run = dir / ("run" + std::to_string(round));
    const Tally t =
        interrupt(command(run), run, dir / "log", signals - total.sent, span.count(), random);
    total.sent += t.sent;
    total.stopped += t.stopped;
    total.finished += t.finished;
    CHECK(curve(expected) == curve(run));
    for (const std::string& file : results) {
      CAPTURE(file);
      CHECK(testing::read_file(expected / file) == testing::read_file(run / file));
    }
  }
  std::printf("%s: %d signals, %d runs stopped, %d finished first (seed %u)\n", kind.c_str(),
              static_cast<int>(total.sent), static_cast<int>(total.stopped),
              static_cast<int>(total.finished), seed);
  CHECK(total.stopped > total.sent / 2);
}

}  // namespace

TEST_CASE("signals: at random moments of training and its evaluations") {
  check_random_moments("training", [](const fs::path& out) { return finetune(out, 600); },
                       {"adapter/adapter_model.safetensors", "predictions.tsv"});
}

TEST_CASE("signals: at random moments of pretraining") {
  const testing::TempDir dir;
  const fs::path corpus = write_corpus(dir);
  check_random_moments("pretraining",
                       [&](const fs::path& out) { return pretrain(out, corpus, 200); },
                       {"model/model.safetensors"});
}

TEST_CASE("signals: every thread has them blocked; a second one ends the run at once") {
  const testing::TempDir dir;
  // One update is an epoch of a model that needs seconds for it.
  Words words =
      finetune(dir / "run", 2, "random:layers=4,hidden=256,heads=4,ffn=1024,positions=64");
  for (const char* word : {"--grad-accumulation", "1000000"}) words.push_back(word);
  Program program(words, dir / "log");
  REQUIRE(program.wait_for("trainable", dir / "log"));  // the header
  std::this_thread::sleep_for(milliseconds(300));       // into the first update
  int threads = 0, waiting = 0;
  for (const auto& task :
       fs::directory_iterator("/proc/" + std::to_string(program.pid()) + "/task")) {
    const std::string status = testing::read_file(task.path() / "status");
    const size_t at = status.find("SigBlk:");
    REQUIRE(at != std::string::npos);
    const uint64_t blocked = std::stoull(status.substr(at + 7), nullptr, 16);
    const uint64_t wanted =
        1 << (SIGINT - 1) | 1 << (SIGTERM - 1) | 1 << (SIGHUP - 1) | 1 << (SIGXCPU - 1);
    if ((blocked & wanted) != wanted) ++waiting;  // within sigwaitinfo, they are not
    ++threads;
  }
  CHECK(threads >= 3);  // two that compute and one that waits
  CHECK(waiting == 1);
  program.send(SIGTERM);
  REQUIRE(program.wait_for("SIGTERM: stopping", dir / "log"));
  program.send(SIGTERM);  // as timeout(1) does: the same request
  std::this_thread::sleep_for(milliseconds(400));
  CHECK(program.output().find("at once; what") == std::string::npos);
  program.send(SIGINT);
  CHECK(program.wait() == 128 + SIGINT);
  CHECK(program.output().find("stopped at once; what was saved before stays") != std::string::npos);
}

TEST_CASE("signals: a run that Ctrl-Z stops goes on as if nothing had been") {
  const testing::TempDir dir;
  Program whole(finetune(dir / "whole", 2000), dir / "log");
  REQUIRE(whole.wait() == 0);
  Program program(finetune(dir / "run", 2000), dir / "log", RLIM_INFINITY, true);
  REQUIRE(program.wait_for("trainable", dir / "log"));
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(milliseconds(30));
    program.send(SIGTSTP);
    REQUIRE(program.wait_until_stopped());
    const std::string before = testing::read_file(dir / "run" / "metrics.jsonl");
    std::this_thread::sleep_for(milliseconds(100));
    CHECK(testing::read_file(dir / "run" / "metrics.jsonl") == before);
    program.send(SIGCONT);
  }
  CHECK(program.wait() == 0);
  CHECK(curve(dir / "run") == curve(dir / "whole"));
  CHECK(testing::read_file(dir / "run" / "predictions.tsv") ==
        testing::read_file(dir / "whole" / "predictions.tsv"));
}

TEST_CASE("signals: ignored ones stay ignored, SIGXFSZ is a message, a reader may leave") {
  const testing::TempDir dir;
  {
    // A file may have 16 KB: the state of the run does not fit.
    Program program(finetune(dir / "small", 5), dir / "log", 16 << 10);
    CHECK(program.wait() == 1);
    CHECK(program.output().find("training_state.safetensors") != std::string::npos);
    CHECK(program.output().find("File too large") != std::string::npos);
    for (const auto& entry : fs::recursive_directory_iterator(dir / "small"))
      CHECK(entry.path().string().find(".tmp-") == std::string::npos);
  }
  {
    const auto before = ::signal(SIGHUP, SIG_IGN);  // as nohup does
    Program program(finetune(dir / "nohup", 50), dir / "log");
    ::signal(SIGHUP, before);
    REQUIRE(program.wait_for("trainable", dir / "log"));
    program.send(SIGHUP);
    CHECK(program.wait() == 0);
  }
  {
    std::string line = "'" + (testing::binary_dir() / "bin").string() + "/";
    for (const std::string& word : finetune(dir / "pipe", 20)) line += word + "' '";
    line += "--profile=false' 2>/dev/null | true; exit ${PIPESTATUS[0]}\n";
    testing::write_file(dir / "line", line);
    const int status = std::system(("bash " + (dir / "line").string()).c_str());
    CHECK(WEXITSTATUS(status) == 141);
    CHECK(engine::json_file(dir / "pipe" / "run.json")["status"] == "finished");
  }
}
