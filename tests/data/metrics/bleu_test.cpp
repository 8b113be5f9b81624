#include "data/metrics/bleu.h"

#include <doctest/doctest.h>

#include "data/metrics/nist.h"
#include "data/metrics/tokenize.h"
#include "engine/base/error.h"
#include "tests/data/metrics/fixtures.h"
#include "tests/data/metrics/golden.h"

using namespace data::metrics;
using doctest::Approx;

TEST_CASE("BLEU and NIST of our sentences are those of the official scripts") {
  for (const testing::GoldenSet& set : testing::golden_sets()) {
    CAPTURE(set.name);
    const Sentences mteval = tokenize(set.texts, tokenize_mteval);
    CHECK(bleu(mteval, BleuStyle::mteval).score == Approx(set.value("bleu_mteval")).epsilon(1e-9));
    CHECK(nist(mteval, NistStyle::mteval) == Approx(set.value("nist_mteval")).epsilon(1e-9));
    const Sentences py = tokenize(set.texts, tokenize_pymteval);
    CHECK(bleu(py, BleuStyle::pymteval).score == Approx(set.value("bleu_pymteval")).epsilon(1e-9));
    CHECK(nist(py, NistStyle::pymteval) == Approx(set.value("nist_pymteval")).epsilon(1e-9));
    const Texts padded = pad(set.texts, most_references(set.texts), Pad::empty);
    const Sentences multi = tokenize(padded, tokenize_multi_bleu);
    CHECK(bleu(multi, BleuStyle::multi_bleu).score ==
          Approx(set.value("bleu_multi")).epsilon(1e-7));
    const Sentences lower = tokenize(padded, tokenize_multi_bleu_lc);
    CHECK(bleu(lower, BleuStyle::multi_bleu).score ==
          Approx(set.value("bleu_multi_lc")).epsilon(1e-7));
    const Sentences sacre = tokenize(set.texts, tokenize_13a);
    CHECK(bleu(sacre, BleuStyle::sacrebleu).score ==
          Approx(set.value("bleu_sacrebleu")).epsilon(1e-9));
    CHECK(sacrebleu_signature(sacre) == set.values.at("signature").get<std::string>());
  }
}

TEST_CASE("the scripts' words") {
  const auto joined = [](const Words& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : "|") + word;
    return text;
  };
  CHECK(joined(tokenize_mteval("A 3.5-star \"Inn\", 1,000 m. (cheap) &amp;lt;")) ==
        "a|3.5|-|star|\"|inn|\"|,|1,000|m|.|(|cheap|)|<");
  CHECK(joined(tokenize_13a("It's O.K., kid-friendly")) == "It's|O|.|K|.|,|kid-friendly");
  CHECK(tokenize_mteval("").empty());
  CHECK(tokenize_pymteval(" ") == Words{""});
  CHECK(joined(split_unicode("a\xC2\xA0"
                             "b \xE3\x80\x80 c")) == "a|b|c");
  CHECK(joined(split_ascii("a\xC2\xA0"
                           "b\tc")) ==
        "a\xC2\xA0"
        "b|c");
  CHECK(joined(tokenize_pymteval("\xC3\x89T\xC3\x89")) == "\xC3\xA9t\xC3\xA9");
  CHECK(joined(tokenize_mteval("\xC3\x89T\xC3\x89")) == "\xC3\x89t\xC3\x89");
}

TEST_CASE("BLEU's parts") {
  const Texts texts{{"a b c d e"}, {{"a b c d f", "a b c d e f g"}}};
  const Bleu b = bleu(tokenize(texts, split_ascii), BleuStyle::multi_bleu);
  CHECK(b.matches == std::array<int64_t, 4>{5, 4, 3, 2});
  CHECK(b.totals == std::array<int64_t, 4>{5, 4, 3, 2});
  CHECK(b.reference_words == 5);
  CHECK(b.brevity == 1);
  CHECK(b.score == Approx(1));
  CHECK(sacrebleu_signature(tokenize({{"a", "b"}, {{"a"}, {"a", "b"}}}, split_ascii)) ==
        "nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0");
}

TEST_CASE("sets that do not fit together say so") {
  CHECK_THROWS_WITH_AS(check_texts({}, "score"), doctest::Contains("no hypothesis"), engine::Error);
  CHECK_THROWS_WITH_AS(check_texts({{"a", "b"}, {{"a"}}}, "score"),
                       doctest::Contains("2 hypotheses but references for 1"), engine::Error);
  CHECK_THROWS_WITH_AS(check_texts({{"a", "b"}, {{"a"}, {}}}, "score"),
                       doctest::Contains("hypothesis 2 has no reference"), engine::Error);
  CHECK_THROWS_WITH_AS(drop_empty({{"a", "b"}, {{"a"}, {" ", ""}}}, "score"),
                       doctest::Contains("every reference of example 2 is empty"), engine::Error);
  CHECK(pad({{"a"}, {{"x"}}}, 3, Pad::first).references[0] == Words{"x", "x", "x"});
  CHECK(pad({{"a"}, {{"x", "y"}}}, 1, Pad::empty).references[0] == Words{"x"});
}

TEST_CASE("published BLEU of DART and WebNLG systems") {
  const auto shared = testing::shared_dir("data/nlg/fixtures");
  if (!shared) return;
  std::vector<std::filesystem::path> files;
  for (int k = 0; k < 3; ++k)
    files.push_back(*shared / "dart" / ("all-delex-reference" + std::to_string(k) + ".lex"));
  const Texts dart = testing::lines_with_references(*shared / "dart/bart-large_dart.txt", files);
  const Bleu b = bleu(tokenize(dart, tokenize_multi_bleu), BleuStyle::multi_bleu);
  CHECK(100 * b.score == Approx(48.56).epsilon(0.005 / 48));
  CHECK(100 * b.precisions[0] == Approx(83.2).epsilon(0.05 / 83));
  CHECK(100 * b.precisions[3] == Approx(32.1).epsilon(0.05 / 32));
  CHECK(b.brevity == Approx(0.944).epsilon(0.0005));
}
