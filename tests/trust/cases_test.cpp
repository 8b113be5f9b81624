// The inputs of shared/cases, from public bug reports about other tools: each says what is right.
#include <cmath>
#include <cstdlib>

#include "tests/trust/program.h"

using namespace trust;

namespace {

// What the case's script prints, with the programs of this build; nullopt without shared data or
// Python.
std::optional<std::string> printed(const std::string& number) {
  const auto folder = testing::shared_dir("cases/" + number);
  if (!folder) return std::nullopt;
  if (std::system("python3 -c '' 2>/dev/null") != 0) {
    std::printf("skipped: no python3 (cases/%s)\n", number.c_str());
    return std::nullopt;
  }
  const testing::TempDir dir;
  const std::string command = "BIN='" + (testing::binary_dir() / "bin").string() + "' PEFT_DATA='" +
                              (testing::source_dir() / "data").string() +
                              "' OMP_WAIT_POLICY=passive bash '" + (*folder / "cmd.sh").string() +
                              "' > '" + (dir / "out").string() + "' 2>&1";
  (void)!std::system(command.c_str());
  return testing::read_file(dir / "out");
}

// The lines between one heading ("# ...") that holds `heading` and the next.
std::vector<std::string> under(const std::string& text, const std::string& heading) {
  std::vector<std::string> lines;
  bool inside = false;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("# "))
      inside = line.find(heading) != std::string::npos;
    else if (inside)
      lines.push_back(line);
  }
  REQUIRE_FALSE(lines.empty());
  return lines;
}

bool has(const std::vector<std::string>& lines, const std::string& text) {
  for (const std::string& line : lines)
    if (line.find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("cases: 01, classes are followed by name, and a head of others starts fresh") {
  const auto text = printed("01");
  if (!text) return;
  CHECK(has(under(*text, "# 2"), "accuracy 1.0000"));
  CHECK(has(under(*text, "# 3"), "accuracy 1.0000"));
  CHECK(
      has(under(*text, "# 4"), "starts fresh: the saved one tells unacceptable, acceptable apart"));
}

TEST_CASE("cases: 02, merge hands the tokenizer on, and says the type that it wrote") {
  const auto text = printed("02");
  if (!text) return;
  const auto tokens = under(*text, "tokens before and after");
  REQUIRE(tokens.size() == 2);
  CHECK(tokens[0] == tokens[1]);
  CHECK(has(tokens, "[URL]"));
  CHECK(has(tokens, "<user>"));
  const auto said = under(*text, "what the adapter and what");  // two tables of the same texts
  REQUIRE(said.size() % 2 == 0);
  for (size_t i = 0; i < said.size() / 2; ++i) CHECK(said[i] == said[i + said.size() / 2]);
  const auto pair = under(*text, "# b:");
  REQUIRE(pair.size() == 4);
  CHECK(pair[2] == pair[3]);
  const auto rest = under(*text, "# c:");
  CHECK(has(rest, "\"torch_dtype\": \"float32\""));
  CHECK_FALSE(has(rest, "model_max_length\": 512"));
}

TEST_CASE("cases: 05, rows without a label are left out and counted") {
  const auto text = printed("05");
  if (!text) return;
  for (const char* file : {"train.csv", "train.jsonl"}) {
    CHECK(has(under(*text, file), "2 classes"));
    CHECK(has(under(*text, file), "rows without a label were left out"));
  }
  CHECK(has(under(*text, "a regression refuses it"), "reg.csv:4"));
}

TEST_CASE("cases: 06, dev and test have the columns of train") {
  const auto text = printed("06");
  if (!text) return;
  // dev.csv begins with "it was good again,0,0.5": the label is the score.
  CHECK(has(under(*text, "which column"), "dev\t0\t0.5\t"));
  CHECK(has(under(*text, "a test file without labels"), "dev:  accuracy"));
}

TEST_CASE("cases: 08, the first update of a short run learns") {
  const auto text = printed("08");
  if (!text) return;
  const std::string change = "trained tensors: ";
  for (const std::string& line : under(*text, "one update"))
    if (const size_t at = line.find(change); at != std::string::npos)
      CHECK(std::stod(line.substr(at + change.size())) > 5e-4);  // AdamW's first step is the rate
  for (const std::string& line : under(*text, "three epochs"))
    if (const size_t at = line.find("\"lr\":"); at != std::string::npos)
      CHECK(std::stod(line.substr(at + 5)) > 0);
}

TEST_CASE("cases: 09, examples weigh the same however they are accumulated") {
  const auto text = printed("09");
  if (!text) return;
  for (const char* cut :
       {"--batch-size 6 --grad-accumulation 1", "--batch-size 2 --grad-accumulation 3",
        "--batch-size 4 --grad-accumulation 2", "--batch-size 5 --grad-accumulation 2",
        "--batch-size 6 --grad-accumulation 4"}) {
    CAPTURE(cut);
    CHECK(has(under(*text, cut),
              "mean of the 6 examples 0.697795; gradient norm 0.1747; updates 1, "
              "tokens 30, epochs in run.json 1.000"));
  }
  CHECK(has(under(*text, "--batch-size 2 --grad-accumulation 2"), "updates 2, tokens 30"));
}

TEST_CASE("cases: 11, a prediction cuts texts where the run did") {
  const auto text = printed("11");
  if (!text) return;
  CHECK(has(under(*text, "the run's own predictions"), "probability 0.0000, other label 0 of 16"));
}

TEST_CASE("cases: 13, merge takes tokenizer and model from the run") {
  const auto text = printed("13");
  if (!text) return;
  const auto named = under(*text, "trained with --tokenizer");
  CHECK(has(named, "rc 0"));
  CHECK(has(named, "is not empty"));  // the second merge goes to the first one's folder
  CHECK(has(under(*text, "one's own vocabulary"), "rc 0"));
  CHECK(under(*text, "manages both").size() == 2);
}

TEST_CASE("cases: 14, only the columns in use matter") {
  const auto text = printed("14");
  if (!text) return;
  for (const char* file :
       {"optional.jsonl", "nested.jsonl", "nan.jsonl", "surrogate.jsonl", "array.json"})
    CHECK(has(under(*text, file), "dev:  accuracy"));
}
