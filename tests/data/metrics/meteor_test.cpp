#include "data/metrics/meteor.h"

#include <doctest/doctest.h>

#include "data/metrics/meteor_align.h"
#include "data/metrics/meteor_normalize.h"
#include "data/metrics/ptb_tokenizer.h"
#include "data/metrics/tokenize.h"
#include "engine/base/error.h"
#include "tests/data/metrics/fixtures.h"
#include "tests/data/metrics/golden.h"

using namespace data::metrics;
using doctest::Approx;

namespace {

std::string joined(std::string_view line) {
  std::string text;
  for (const std::string& word : meteor_words(line)) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<MeteorWord> words(std::initializer_list<int> numbers) {
  std::vector<MeteorWord> out;
  for (const int n : numbers) out.push_back({n, 1000 + n, nullptr, false});
  return out;
}

}  // namespace

TEST_CASE("METEOR of our sentences is that of METEOR 1.5") {
  const auto folder = WordNet::find();
  if (!folder) {
    MESSAGE("skipped: no WordNet (wordnet-base)");
    return;
  }
  const WordNet wordnet(*folder);
  for (const testing::GoldenSet& set : testing::golden_sets()) {
    CAPTURE(set.name);
    const Texts padded = pad(set.texts, most_references(set.texts), Pad::empty);
    const Meteor lines = meteor(tokenize(padded, meteor_words), &wordnet);
    const auto expected = set.values.at("meteor_lines_segments").get<std::vector<double>>();
    REQUIRE(lines.segments.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(set.texts.hypotheses[i]);
      CHECK(lines.segments[i] == Approx(expected[i]).epsilon(1e-12));
    }
    CHECK(lines.score == Approx(set.value("meteor_lines")).epsilon(1e-12));
    CHECK(lines.modules == "exact, stem, synonym; without paraphrases");
    const Meteor coco = meteor(meteor_words_of(coco_tokenize(padded)), &wordnet);
    CHECK(coco.score == Approx(set.value("meteor_coco")).epsilon(1e-12));
  }
}

TEST_CASE("METEOR's normalization") {
  CHECK(joined("It's the \"U.S.\" low-cost café... isn't it?!") ==
        "it 's the \" us \" low cost caf\u00E9 ... isn 't it ? !");
  CHECK(joined("Dr. Lee paid £1,000, e.g. for 1990's wine; the end.") ==
        "dr. lee paid \u00A3 1,000 , eg for 1990 's wine ; the end .");
  CHECK(joined("\u2018quoted\u2019 \u201Ctext\u201D \u2013 a--b No. 5 no.") ==
        "' quoted ' \" text \" - a b no. 5 no .");
  CHECK(joined("").empty());
}

TEST_CASE("alignment: most exact matches, then fewest chunks") {
  // Both 1s of the reference could go with the hypothesis's; the one beside 2 makes one chunk.
  const MeteorAlignment a = meteor_align(words({1, 5, 1, 2}), words({1, 2}));
  CHECK(a.matches[0].hypothesis == 2);
  CHECK(a.matches[1].hypothesis == 3);
  CHECK(a.chunks == 1);
  const MeteorAlignment b = meteor_align(words({3, 2, 1}), words({1, 2, 3}));
  CHECK(b.chunks == 3);
  CHECK(meteor_align(words({}), words({1})).chunks == 0);
  CHECK(meteor_align(words({1}), words({})).matches.empty());
  // A stem matches words that differ.
  auto stemmed = words({7});
  stemmed[0].stem = 1008;
  const MeteorAlignment c = meteor_align(stemmed, words({8}));
  CHECK(c.matches[0].hypothesis == 0);
  CHECK(c.matches[0].module == kStem);
}

TEST_CASE("WordNet: own and base forms, odd folders") {
  testing::TempDir folder;
  for (const char* part : {"noun", "verb", "adj", "adv"}) {
    testing::write_file(folder / (std::string("index.") + part), "  1 licence\n");
    testing::write_file(folder / (std::string(part) + ".exc"), "");
  }
  testing::write_file(folder / "index.noun",
                      "  1 licence\npub n 1 1 @ 1 0 00000111  \ntavern n 1 1 @ 1 0 00000111\n"
                      "mouse n 2 1 @ 2 0 00000222 00000333\n");
  testing::write_file(folder / "noun.exc", "mice mouse\n");
  const WordNet wordnet(folder.path());
  CHECK(wordnet.synonym_sets("pubs") == std::vector<int32_t>{111});
  CHECK(wordnet.synonym_sets("mice") == std::vector<int32_t>{222, 333});
  CHECK(wordnet.synonym_sets("unknown").empty());
  const Sentences s{{{"the", "pubs"}}, {{{"the", "taverns"}}}};
  CHECK(meteor(s, &wordnet).score > meteor(s, nullptr).score);
  CHECK(meteor(s, nullptr).modules.find("without synonyms") != std::string::npos);
  testing::write_file(folder / "index.verb", "run v x 0\n");
  CHECK_THROWS_WITH_AS(WordNet(folder.path()), doctest::Contains("index.verb:1"), engine::Error);
}

TEST_CASE("DART's METEOR without paraphrases, and nlg-eval's") {
  const auto shared = testing::shared_dir("data/nlg/fixtures");
  const auto folder = WordNet::find();
  if (!shared || !folder) return;
  const WordNet wordnet(*folder);
  std::vector<std::filesystem::path> files;
  for (int k = 0; k < 3; ++k)
    files.push_back(*shared / ("dart/all-delex-reference" + std::to_string(k) + ".lex"));
  const Texts texts = pad(
      testing::lines_with_references(*shared / "dart/bart-large_dart.txt", files), 8, Pad::empty);
  CHECK(meteor(tokenize(texts, meteor_words), &wordnet).score ==
        Approx(0.38912).epsilon(0.000005 / 0.389));
}
