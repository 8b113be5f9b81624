#include <doctest/doctest.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "apps/common/main_guard.h"
#include "apps/score/command.h"
#include "engine/io/json.h"
#include "tests/support/paths.h"

namespace {

// Runs the command and returns what it wrote to stdout.
std::string output(std::vector<std::string> arguments, int expected = 0) {
  std::vector<const char*> argv{"score"};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  std::ostringstream out;
  std::streambuf* before = std::cout.rdbuf(out.rdbuf());
  int code = -1;
  try {
    code = apps::score_command(static_cast<int>(argv.size()), argv.data());
  } catch (...) {
    std::cout.rdbuf(before);
    throw;
  }
  std::cout.rdbuf(before);
  CHECK(code == expected);
  return out.str();
}

}  // namespace

TEST_CASE("peft score prints a table and JSON, and takes lists of references") {
  testing::TempDir folder;
  const auto add = [&](const char* name, const char* text) {
    testing::write_file(folder / name, text);
    return (folder / name).string();
  };
  const std::string hypotheses = add("h.txt", "a b c d e .\nf g h i j .\n");
  const std::string one = add("0.lex", "a b c d e .\nf g h x j .\n");
  const std::string two = add("1.lex", "a b c d .\n\n");
  const std::string table = output({"--task", "dart", "--references", one + "," + two, hypotheses});
  CHECK(table.find("multi-bleu") != std::string::npos);
  CHECK(table.find("TER") != std::string::npos);
  const auto scores = engine::parse_json(output({"--task", "dart", "--references", one,
                                                 "--references", two, "--json", "-", hypotheses}),
                                         "scores");
  CHECK(scores["sets"]["all"]["hypotheses"] == 2);
  CHECK(scores["sets"]["all"]["references"] == 3);
  // One substitution; the references have 5.5 and 6 words in the mean.
  CHECK(scores["sets"]["all"]["scores"]["TER"]["value"].get<double>() == doctest::Approx(1 / 11.5));
}

TEST_CASE("peft score says what is missing") {
  using apps::UsageError;
  CHECK_THROWS_WITH_AS(output({"--task", "e2e", "x"}), doctest::Contains("--references is missing"),
                       UsageError);
  CHECK_THROWS_WITH_AS(output({"--task", "e2e", "--references", "a"}), doctest::Contains("found 0"),
                       UsageError);
  CHECK_THROWS_WITH_AS(output({"--task", "squad", "--references", "a", "x"}),
                       doctest::Contains("e2e, webnlg, dart"), engine::Error);
  CHECK_THROWS_WITH_AS(output({"--task", "e2e", "--references", "a.csv", "x"}),
                       doctest::Contains("a.csv: there is no such file"), engine::Error);
  CHECK(output({}, 2).find("usage: peft score") != std::string::npos);
}

TEST_CASE("peft score adds BERTScore by an encoder, in every set") {
  testing::TempDir folder;
  testing::write_file(folder / "h.txt", "a cheap pub\nit is near\n");
  testing::write_file(folder / "0.lex", "a cheap pub\na dear restaurant\n");
  const std::string references = (folder / "0.lex").string(),
                    hypotheses = (folder / "h.txt").string(),
                    encoder = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  const auto scores =
      engine::parse_json(output({"--task", "dart", "--references", references, "--bertscore",
                                 encoder, "--bertscore-layer", "2", "--json", "-", hypotheses}),
                         "scores")["sets"]["all"]["scores"];
  for (const char* name : {"BERTScore P", "BERTScore R", "BERTScore F1"}) {
    CHECK(scores[name]["method"] == "bert, layer 2 of 2");
    CHECK(scores[name]["value"].get<double>() > 0.5);  // one of the two texts is its reference
    CHECK(scores[name]["value"].get<double>() < 0.99);
  }
  CHECK_THROWS_WITH_AS(
      output({"--task", "dart", "--references", references, "--bertscore-idf", hypotheses}),
      doctest::Contains("--bertscore-idf needs --bertscore"), apps::UsageError);
}
