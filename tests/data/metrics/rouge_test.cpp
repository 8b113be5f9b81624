#include "data/metrics/rouge.h"

#include <doctest/doctest.h>

#include "data/metrics/cider.h"
#include "data/metrics/porter.h"
#include "data/metrics/ptb_tokenizer.h"
#include "data/metrics/tokenize.h"
#include "tests/data/metrics/fixtures.h"
#include "tests/data/metrics/golden.h"

using namespace data::metrics;
using doctest::Approx;

TEST_CASE("Penn Treebank tokens are Stanford's") {
  std::vector<std::string> lines;
  std::vector<Words> expected;
  const engine::Json goldens = testing::text_metric_goldens();
  for (const engine::Json& item : goldens.at("stanford")) {
    lines.push_back(item.at("text").get<std::string>());
    expected.push_back(item.at("tokens").get<Words>());
  }
  const std::vector<Words> tokens = ptb_tokenize(lines);
  REQUIRE(tokens.size() == expected.size());
  for (size_t i = 0; i < tokens.size(); ++i) CHECK(tokens[i] == expected[i]);
}

TEST_CASE("lines of no text, with odd bytes and without an end keep their place") {
  const std::vector<Words> tokens = ptb_tokenize({"", "a b", " ", "c\rd", "\xFF e", "f\ng"});
  CHECK(tokens == std::vector<Words>{{}, {"a", "b"}, {}, {"c", "d"}, {"e"}, {"f", "g"}});
  CHECK(ptb_tokenize({}).empty());
  const Sentences s = coco_tokenize({{"It's here (now)."}, {{"\"Here\" - it is!", "..."}}});
  CHECK(s.hypotheses[0] == Words{"it", "'s", "here", "-lrb-", "now", "-rrb-"});
  CHECK(s.references[0] == std::vector<Words>{{"here", "it", "is"}, {}});
}

TEST_CASE("ROUGE and CIDEr of our sentences are those of the official packages") {
  const std::pair<const char*, RougeKind> kinds[] = {{"rouge1", RougeKind::rouge1},
                                                     {"rouge2", RougeKind::rouge2},
                                                     {"rougeL", RougeKind::rougeL},
                                                     {"rougeLsum", RougeKind::rougeLsum}};
  for (const testing::GoldenSet& set : testing::golden_sets()) {
    CAPTURE(set.name);
    const Sentences coco = coco_tokenize(set.texts);
    CHECK(rouge_l_coco(coco) == Approx(set.value("rouge_l_coco")).epsilon(1e-9));
    CHECK(cider(coco) == Approx(set.value("cider")).epsilon(1e-9));
    const Texts first = pad(set.texts, 1, Pad::empty);
    for (const auto& [name, kind] : kinds)
      for (const bool stem : {false, true}) {
        const std::string key = std::string(name) + (stem ? "_stem" : "");
        CAPTURE(key);
        const Rouge one = rouge_google(first, kind, stem);
        const auto values = set.values.at(key).get<std::vector<double>>();
        CHECK(one.precision == Approx(values[0]).epsilon(1e-9));
        CHECK(one.recall == Approx(values[1]).epsilon(1e-9));
        CHECK(one.f == Approx(values[2]).epsilon(1e-9));
        const auto many = set.values.at(key + "_multi").get<std::vector<double>>();
        CHECK(rouge_google(set.texts, kind, stem).f == Approx(many[2]).epsilon(1e-9));
      }
  }
}

TEST_CASE("ROUGE-Lsum counts the union of subsequences by lines") {
  // Lin 2004, section 3.2: w1 w2 against w1 w3 w8 w9 w5: hits w1 w2 w3 w5 of five.
  const Texts texts{{"w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"}, {{"w1 w2 w3 w4 w5"}}};
  const Rouge r = rouge_google(texts, RougeKind::rougeLsum, false);
  CHECK(r.recall == Approx(4.0 / 5));
  CHECK(r.precision == Approx(4.0 / 10));
}

TEST_CASE("Porter's stems are NLTK's") {
  const engine::Json goldens = testing::text_metric_goldens();
  for (const auto& [word, stem] : goldens.at("porter").items())
    CHECK_MESSAGE(porter_stem(word) == stem.get<std::string>(), word);
}

TEST_CASE("nlg-eval's published example") {
  const auto shared = testing::shared_dir("data/nlg/fixtures/nlgeval");
  if (!shared) return;
  const Texts texts = testing::lines_with_references(*shared / "hyp.txt",
                                                     {*shared / "ref1.txt", *shared / "ref2.txt"});
  const Sentences words = tokenize(texts, split_ascii);  // nlg-eval splits at spaces only
  CHECK(cider(words) == Approx(1.242192).epsilon(1e-6));
  CHECK(rouge_l_coco(words) == Approx(0.522104).epsilon(1e-6));
}
