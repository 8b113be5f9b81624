#include "data/metrics/ter.h"

#include <doctest/doctest.h>

#include "data/metrics/tokenize.h"
#include "tests/data/metrics/fixtures.h"
#include "tests/data/metrics/golden.h"

using namespace data::metrics;
using doctest::Approx;

namespace {

Ter ter(const std::string& hypothesis, const std::vector<std::string>& references) {
  return ter_tercom(tokenize({{hypothesis}, {references}}, tokenize_tercom));
}

// "text (id)": tercom's own format.
std::pair<std::string, std::string> text_and_id(const std::string& line) {
  const size_t open = line.rfind('(');
  return {trim(line.substr(0, open)), trim(line.substr(open))};
}

}  // namespace

TEST_CASE("TER of our sentences is that of tercom and of pyter") {
  for (const testing::GoldenSet& set : testing::golden_sets()) {
    CAPTURE(set.name);
    const Ter t = ter_tercom(tokenize(drop_empty(set.texts, "ter"), tokenize_tercom));
    CHECK(t.edits == set.value("ter_edits"));
    CHECK(t.reference_words == Approx(set.value("ter_words")).epsilon(1e-12));
    CHECK(t.score == Approx(set.value("ter_tercom")).epsilon(1e-12));
    CHECK(ter_pyter(tokenize(set.texts, split_unicode)) ==
          Approx(set.value("ter_pyter")).epsilon(1e-12));
  }
}

TEST_CASE("sacrebleu's unit cases, and edges") {
  CHECK(ter("dies ist ein test", {"dies ist ein test"}).score == 0);
  CHECK(ter("a b c", {"d e f"}).score == 1);
  // A block of two moves: one edit of eight words.
  CHECK(ter("b c d e f g h a", {"a b c d e f g h"}).edits == 1);
  CHECK(ter("a b c d a b e f", {"a b c d e f a b"}).score == Approx(1.0 / 8));
  CHECK(ter("", {"a b"}).score == 1);
  CHECK(ter("a b", {""}).score == 1);
  CHECK(ter("", {""}).score == 0);
  CHECK(ter("A B", {"a b", "x"}).reference_words == 1.5);
  CHECK(ter_pyter(tokenize({{"a b"}, {{"", "a c"}}}, split_ascii)) == 0.5);
  // A long block moves by pieces of ten words, and not farther than 50.
  std::string front, back;
  for (int i = 0; i < 60; ++i) {
    front += "w" + std::to_string(i) + " ";
    back += "w" + std::to_string(59 - i) + " ";
  }
  CHECK(ter(front, {back}).edits <= 60);
}

TEST_CASE("tercom's example and published TER") {
  const auto shared = testing::shared_dir("data/nlg/fixtures");
  if (!shared) return;
  std::map<std::string, std::vector<std::string>> references;
  for (const std::string& line : testing::lines_of(*shared / "tercom/ref.txt")) {
    const auto [text, id] = text_and_id(line);
    references[id].push_back(text);
  }
  Texts texts;
  for (const std::string& line : testing::lines_of(*shared / "tercom/hyp.txt")) {
    const auto [text, id] = text_and_id(line);
    texts.hypotheses.push_back(text);
    texts.references.push_back(references.at(id));
  }
  const Ter example = ter_tercom(tokenize(texts, tokenize_tercom));
  CHECK(example.edits == 1787);
  CHECK(example.score == Approx(0.5618171814823548).epsilon(1e-12));
}

TEST_CASE("DART's published TER") {
  const auto shared = testing::shared_dir("data/nlg/fixtures/dart");
  if (!shared) return;
  std::vector<std::filesystem::path> files;
  for (int k = 0; k < 3; ++k)
    files.push_back(*shared / ("all-delex-reference" + std::to_string(k) + ".lex"));
  const Texts texts =
      drop_empty(testing::lines_with_references(*shared / "bart-large_dart.txt", files), "dart");
  const Ter t = ter_tercom(tokenize(texts, tokenize_tercom));
  CHECK(t.score == Approx(0.446965).epsilon(1e-6));
  CHECK(t.edits == 54763);
}
