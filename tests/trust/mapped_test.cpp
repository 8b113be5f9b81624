// Files that change while they are mapped.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "tests/trust/program.h"

using namespace trust;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

void overwrite_end(const fs::path& file) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(-64, std::ios::end);
  out << std::string(64, 'x');
}

}  // namespace

TEST_CASE("mapped: a model that is written to or cut while a run uses it is noticed") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  const fs::path weights = model / "model.safetensors";
  const std::string whole = read_file(weights);
  write_file(dir / "t.csv", reviews());
  const auto run = [&](const std::string& out, const std::function<void()>& change) {
    return peft(finetune(dir, dir / "t.csv", out,
                         {"--model", model.string(), "--strategy", "bitfit", "--max-steps",
                          "100000000", "--save-every", "1"}),
                {.meanwhile = [&](int pid, const fs::path&) {
                  REQUIRE(wait_for(dir / out / "metrics.jsonl", "\n"));
                  change();
                  std::this_thread::sleep_for(std::chrono::milliseconds(200));
                  ::kill(pid, SIGINT);
                }});
  };
  const Outcome written = run("r1", [&] { overwrite_end(weights); });
  CHECK(written.code == 1);
  CHECK(written.err.find("was written to while it was in use") != std::string::npos);
  write_file(weights, whole);
  const Outcome cut = run("r2", [&] { fs::resize_file(weights, 100); });
  CAPTURE(cut.err);
  CHECK(cut.code == 1);
  CHECK(cut.err.find("was cut short while it was in use") != std::string::npos);
  write_file(weights, whole);
  // Replacing it by rename is how a file in use may be changed.
  const Outcome renamed = run("r3", [&] {
    write_file(model / "new", whole + "x");
    fs::rename(model / "new", weights);
  });
  CAPTURE(renamed.err);
  CHECK(renamed.code == 130);
}

TEST_CASE("mapped: a base model that is cut under a prediction ends it with a message") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r", {"--model", model.string(), "--strategy", "lora:r=2"}));
  // Rows come one by one from a pipe, so the prediction is under way when the file is cut.
  ::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Outcome o = peft({"predict", (dir / "r").string(), "-", "--format", "csv"},
                         {.in_child =
                              [&] {
                                ::dup2(ends[0], 0);
                                ::close(ends[0]);
                                ::close(ends[1]);
                              },
                          .meanwhile =
                              [&](int, const fs::path& out) {
                                ::close(ends[0]);
                                std::string rows = "text,label\n";
                                for (int i = 0; i < 3000; ++i) rows += "the tea was good,good\n";
                                REQUIRE(::write(ends[1], rows.data(), rows.size()) ==
                                        static_cast<ssize_t>(rows.size()));
                                REQUIRE(wait_for(out, "\n"));
                                fs::resize_file(model / "model.safetensors", 100);
                                std::string more;
                                for (int i = 0; i < 3000; ++i) more += "the film was bad,bad\n";
                                (void)!::write(ends[1], more.data(), more.size());
                                ::close(ends[1]);
                              }});
  CAPTURE(o.err);
  CHECK(o.code == 1);
  CHECK(o.err.find("model.safetensors: was cut short while it was in use") != std::string::npos);
}

TEST_CASE("mapped: a corpus cache that is cut or written to under pretraining is noticed") {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 4000; ++i) text += i % 3 ? "the tea was very good\n" : "a bad film\n\n";
  write_file(dir / "corpus.txt", text);
  const auto pretrain = [&](const std::string& out,
                            const std::function<void(const fs::path&)>& change) {
    return peft({"pretrain",
                 "--corpus",
                 (dir / "corpus.txt").string(),
                 "--tokenizer",
                 tokenizer(dir).string(),
                 "--out",
                 (dir / out).string(),
                 "--model",
                 "random:layers=1,hidden=32,positions=32",
                 "--steps",
                 "100000000",
                 "--max-length",
                 "32",
                 "--batch-tokens",
                 "128",
                 "--held-out",
                 "10",
                 "--eval-tokens",
                 "300",
                 "--log-every",
                 "1",
                 "--peak-gflops",
                 "100",
                 "--threads",
                 "1"},
                {.meanwhile = [&](int pid, const fs::path&) {
                  REQUIRE(wait_for(dir / out / "metrics.jsonl", "\"step\":3"));
                  change(dir / out / "corpus.cache");
                  std::this_thread::sleep_for(std::chrono::milliseconds(500));
                  ::kill(pid, SIGINT);
                }});
  };
  const Outcome cut = pretrain("p1", [](const fs::path& file) { fs::resize_file(file, 100); });
  CAPTURE(cut.err);
  CHECK(cut.code == 1);
  CHECK(cut.err.find("corpus.cache: was cut short while it was in use") != std::string::npos);
  const Outcome written = pretrain("p2", overwrite_end);
  CAPTURE(written.err);
  CHECK(written.code == 1);
  CHECK(written.err.find("corpus.cache") != std::string::npos);
  CHECK(written.err.find("was written to while it was in use") != std::string::npos);
}
