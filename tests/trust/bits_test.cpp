// The same bits, with any number of threads where --deterministic asks for it.
#include <csignal>
#include <cstdlib>

#include "engine/io/run_folder.h"
#include "tests/trust/program.h"

using namespace trust;
using engine::Json;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

// What a run learned, and its curve without times.
struct Bits {
  std::string adapter, curve;
  bool operator==(const Bits&) const = default;
};

Bits bits_of(const fs::path& run) {
  Bits bits{read_file(run / "adapter" / "adapter_model.safetensors"), ""};
  REQUIRE_FALSE(bits.adapter.empty());
  for (Json line : engine::read_metrics(run / "metrics.jsonl")) {
    line.erase("seconds");
    bits.curve += engine::json_text(line) + "\n";
  }
  return bits;
}

// A run whose products are large enough that a BLAS would divide them among threads.
Words deterministic(const TempDir& dir, const std::string& out, const std::string& threads,
                    const Words& more) {
  Words words = {"--model",        "random:layers=2,hidden=128,ffn=320",
                 "--lr",           "1e-3",
                 "--threads",      threads,
                 "--log-every",    "1",
                 "--batch-size",   "16",
                 "--deterministic"};
  words.insert(words.end(), more.begin(), more.end());
  return finetune(dir, dir / "t.csv", out, words);
}

const RunOptions kFree{.in_child = [] { ::unsetenv("OMP_NUM_THREADS"); }};

}  // namespace

TEST_CASE("bits: --deterministic gives the same with any number of threads, whatever is trained") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(40));
  int n = 0;
  for (const Words& more : std::vector<Words>{
           {"--strategy", "full", "--max-steps", "6"},
           {"--strategy", "lora:r=4,dropout=0.1+bitfit", "--max-steps", "4", "--grad-accumulation",
            "3", "--piece-tokens", "40"},
           {"--strategy", "adapter:size=16", "--max-steps", "4", "--eval-every", "2"}}) {
    CAPTURE(more[1]);
    std::vector<Bits> bits;
    for (const char* threads : {"1", "2", "3", "5"}) {
      const std::string out = "r" + std::to_string(++n);
      works(deterministic(dir, out, threads, more), kFree);
      bits.push_back(bits_of(dir / out));
    }
    for (size_t i = 1; i < bits.size(); ++i) CHECK(bits[i] == bits[0]);
  }
}

TEST_CASE("bits: a deterministic run goes on with another number of threads") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(40));
  const Words more = {"--strategy", "full", "--max-steps", "400"};
  works(deterministic(dir, "whole", "1", more), kFree);
  const Outcome o = peft(deterministic(dir, "parts", "2", more),
                         {.in_child = kFree.in_child, .meanwhile = [&](int pid, const fs::path&) {
                            REQUIRE(wait_for(dir / "parts" / "metrics.jsonl", "\"step\":20,"));
                            ::kill(pid, SIGTERM);
                          }});
  REQUIRE(o.code == 143);
  works({"finetune", "--resume", "--out", (dir / "parts").string(), "--threads", "3"}, kFree);
  CHECK(bits_of(dir / "parts") == bits_of(dir / "whole"));
}

TEST_CASE("bits: the same command twice, and predictions whatever shares their batch") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(40));
  for (const char* out : {"a", "b"})
    works(finetune(dir, dir / "t.csv", out,
                   {"--strategy", "full", "--threads", "2", "--max-steps", "8"}),
          kFree);
  CHECK(bits_of(dir / "a") == bits_of(dir / "b"));
  // One row alone and the same row among others: the same text, digit for digit.
  write_file(dir / "one.csv", "text,label\nthe book was good and hot,good\n");
  write_file(dir / "many.csv",
             reviews(30) + "the book was good and hot,good\n" + reviews(9).substr(11));
  const auto row = [&](const char* file) {
    for (const std::string& line :
         lines_of(works({"predict", (dir / "a").string(), (dir / file).string()}).out))
      if (line.starts_with("the book was good and hot")) return line;
    return std::string();
  };
  CHECK(row("one.csv").size() > 20);
  CHECK(row("one.csv") == row("many.csv"));
}

TEST_CASE("bits: kernels below the processor are warned of, with the products that they are for") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  const auto with = [&](const char* out, const char* kernels) {
    return works(finetune(dir, dir / "t.csv", out), {.in_child = [kernels] {
                   kernels ? ::setenv("OPENBLAS_CORETYPE", kernels, 1)
                           : ::unsetenv("OPENBLAS_CORETYPE");
                 }});
  };
  CHECK_FALSE(with("a", nullptr).says("OPENBLAS_CORETYPE"));
#if defined(__x86_64__)
  const Outcome slow = with("b", "Prescott");  // SSE: slower than any processor with AVX has
  if (__builtin_cpu_supports("avx")) {
    CHECK(slow.says("OPENBLAS_CORETYPE=Prescott chooses SSE kernels"));
    CHECK((slow.says("here weight gradients") || slow.says("here none") || slow.says("here all")));
  }
#endif
}
