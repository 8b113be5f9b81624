// What peft generate writes to a file is not lost when it is stopped.
#include <csignal>

#include "tests/trust/program.h"

using namespace trust;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

TEST_CASE("generate: a stopped file of texts goes on, and ends as if it had not been stopped") {
  const TempDir dir;
  fs::copy(testing::golden("decoders/gpt2"), dir / "model", fs::copy_options::recursive);
  for (const char* file : {"tokenizer.json", "tokenizer_config.json"})
    fs::copy_file(testing::golden("language_model") / file, dir / "model" / file);
  std::string prompts;
  for (int i = 0; i < 512; ++i) {  // all different: equal prompts are computed once
    for (int bit = 0; bit < 9; ++bit) prompts += i >> bit & 1 ? "lat " : "la ";
    prompts += "\n";
  }
  write_file(dir / "prompts.txt", prompts);
  const auto write_to = [&](const std::string& out) {
    return Words{"generate",
                 "--model",
                 (dir / "model").string(),
                 "--prompts",
                 (dir / "prompts.txt").string(),
                 "--greedy",
                 "--max-new-tokens",
                 "20",
                 "--eos-token-id",
                 "none",
                 "--threads",
                 "1",
                 "--out",
                 (dir / out).string()};
  };
  works(write_to("whole.txt"));
  const Outcome stopped = peft(write_to("part.txt"), {.meanwhile = [&](int pid, const fs::path&) {
                                 REQUIRE(wait_for(dir / "part.txt.part", "\n"));
                                 ::kill(pid, SIGINT);
                               }});
  CHECK(stopped.code == 130);
  CHECK(stopped.says("goes on with it"));
  REQUIRE_FALSE(fs::exists(dir / "part.txt"));
  CHECK(works(write_to("part.txt")).says("goes on behind"));
  CHECK(read_file(dir / "part.txt") == read_file(dir / "whole.txt"));
  CHECK_FALSE(fs::exists(dir / "part.txt.part"));
}
