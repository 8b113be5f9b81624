#include "tests/trust/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <sstream>

namespace trust {

namespace {
#ifdef __SANITIZE_ADDRESS__
constexpr unsigned kLongest = 600;  // seconds of a program
#else
constexpr unsigned kLongest = 120;
#endif
}  // namespace

Outcome peft(const Words& words, const RunOptions& options) {
  const testing::TempDir dir;
  testing::write_file(dir / "in", options.input);
  const std::string program = (testing::binary_dir() / "bin" / "peft").string();
  std::vector<char*> argv = {const_cast<char*>("peft")};
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::dup2(::open((dir / "in").c_str(), O_RDONLY | O_CLOEXEC), 0);
    ::dup2(::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666), 1);
    ::dup2(::open((dir / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666), 2);
    ::setenv("OMP_WAIT_POLICY", "passive", 1);
    ::setenv("OMP_NUM_THREADS", "1", 0);
    ::alarm(kLongest);  // a program that hangs fails its test
    if (options.in_child) options.in_child();
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  if (options.meanwhile) options.meanwhile(pid, dir / "out");
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
          testing::read_file(dir / "out"), testing::read_file(dir / "err")};
}

Outcome works(const Words& words, const RunOptions& options) {
  Outcome outcome = peft(words, options);
  CAPTURE(words);
  CAPTURE(outcome.out);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  return outcome;
}

bool wait_for(const fs::path& file, const std::string& text) {
  for (int i = 0; i < 6000; ++i) {
    if (testing::read_file(file).find(text) != std::string::npos) return true;
    ::usleep(5000);
  }
  return false;
}

void refuses(const Words& words, const std::vector<std::string>& texts, const RunOptions& options) {
  const Outcome outcome = peft(words, options);
  CAPTURE(words);
  CAPTURE(outcome.out);
  CAPTURE(outcome.err);
  CHECK((outcome.code == 1 || outcome.code == 2));
  CHECK(outcome.err.find("error: ") != std::string::npos);
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(outcome.err.find(text) != std::string::npos);
  }
}

fs::path tokenizer(const testing::TempDir& dir) {
  fs::create_directories(dir / "tokenizer");
  testing::write_file(dir / "tokenizer" / "vocab.txt",
                      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ntea\nwas\ngood\nbad\nhot\ncold\n"
                      "and\nvery\nfilm\nbook\na\nb\nc\n##s\n##y\n.\n,\n");
  return dir / "tokenizer";
}

std::string reviews(int rows) {
  std::string text = "text,label\n";
  const char* things[] = {"tea", "film", "book"};
  for (int i = 0; i < rows; ++i)
    text += std::string("the ") + things[i % 3] + " was " + (i % 2 ? "bad" : "good") +
            (i % 2 ? ",bad\n" : ",good\n");
  return text;
}

Words finetune(const testing::TempDir& dir, const fs::path& train, const std::string& out,
               const Words& more) {
  Words words = {
      "finetune", "--train",           train.string(), "--tokenizer", tokenizer(dir).string(),
      "--out",    (dir / out).string()};
  const auto given = [&](const std::string& flag) {
    return std::find(more.begin(), more.end(), flag) != more.end();
  };
  if (!given("--model")) words.insert(words.end(), {"--model", "random:layers=1,hidden=32"});
  if (!given("--dev")) words.insert(words.end(), {"--dev", train.string()});
  if (!given("--max-steps") && !given("--epochs")) words.insert(words.end(), {"--max-steps", "2"});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

fs::path model_folder(const testing::TempDir& dir) {
  fs::path made = dir / "model";
  if (fs::exists(made)) return made;
  testing::write_file(dir / "model.csv", reviews());
  works(finetune(dir, dir / "model.csv", "model-run", {"--strategy", "full", "--lr", "1e-2"}));
  works({"merge", "--adapter", (dir / "model-run").string(), "--out", made.string()});
  return made;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace trust
