// BERTScore is the package's (tools/goldens/bert_score.py), by layer, with idf and over references.
#include "run/bert_score.h"

#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "engine/io/json.h"
#include "tests/support/paths.h"

namespace {

using engine::Json;

data::metrics::Texts golden_texts(const Json& golden) {
  data::metrics::Texts texts;
  for (const Json& text : golden["hypotheses"]) texts.hypotheses.push_back(text);
  for (const Json& some : golden["references"])
    texts.references.push_back(some.get<std::vector<std::string>>());
  return texts;
}

std::string shipped_encoder() {
  return (testing::source_dir() / "data/pretrained/peft-2x256").string();
}

}  // namespace

TEST_CASE("BERTScore by layer and with idf is that of the package bert_score") {
  const Json golden = engine::json_file(testing::golden("bert_score/golden.json"));
  const data::metrics::Texts texts = golden_texts(golden);
  for (const Json& wanted : golden["cases"]) {
    CAPTURE(wanted.dump());
    run::BertScorer scorer(
        {.model = (testing::source_dir() / wanted["model"].get<std::string>()).string()},
        {.layer = wanted["layer"], .idf = wanted["idf"]});
    const auto scores = scorer.score(texts);
    REQUIRE(scores.size() == texts.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      CAPTURE(i);
      CHECK(std::abs(scores[i].precision - wanted["P"][i].get<double>()) < 2e-6);
      CHECK(std::abs(scores[i].recall - wanted["R"][i].get<double>()) < 2e-6);
      CHECK(std::abs(scores[i].f1 - wanted["F1"][i].get<double>()) < 2e-6);
    }
  }
}

TEST_CASE("BERTScore: texts without words get zeros, and the means are over what is chosen") {
  run::BertScorer scorer({.model = shipped_encoder()}, {});
  CHECK(scorer.method() == "bert, layer 1 of 2");
  const auto scores = scorer.score(
      {{"a good film", " ", "a good film"}, {{"a good film", ""}, {"a good film"}, {""}}});
  CHECK(scores[0].f1 == doctest::Approx(1));
  for (const size_t i : {1u, 2u}) {
    CHECK(scores[i].precision == 0);
    CHECK(scores[i].recall == 0);
    CHECK(scores[i].f1 == 0);
  }
  CHECK(run::mean_bert_score(scores, {0, 1}).recall == doctest::Approx(0.5));
}

TEST_CASE("BERTScore runs on the first layers of every family of encoders") {
  for (const std::string type : {"bert", "roberta", "electra", "distilbert", "modernbert"}) {
    CAPTURE(type);
    run::BertScorer scorer({.model = "random:layers=3,hidden=32,heads=4,ffn=48,type=" + type,
                            .tokenizer = shipped_encoder()},
                           {.layer = 2});
    CHECK(scorer.method() == type + ", layer 2 of 3");
    const auto scores = scorer.score({{"it works well"}, {{"it works well"}}});
    CHECK(scores[0].f1 == doctest::Approx(1));
  }
}

TEST_CASE("BERTScore: the usual layer is that of the package, or three quarters") {
  CHECK(run::usual_bert_score_layer({.model_type = "roberta", .layers = 24, .hidden = 1024}) == 17);
  CHECK(run::usual_bert_score_layer({.model_type = "bert", .layers = 12, .hidden = 768}) == 9);
  CHECK(run::usual_bert_score_layer({.model_type = "modernbert", .layers = 22, .hidden = 768}) ==
        17);
}

TEST_CASE("BERTScore refuses a causal model and a layer that is not there") {
  const auto of = [](const std::string& model, int layer) {
    run::BertScorer({.model = model, .tokenizer = shipped_encoder()}, {.layer = layer});
  };
  CHECK_THROWS_WITH_AS(of("random:type=gpt2,layers=1,hidden=32,heads=4", 0),
                       doctest::Contains("give an encoder"), engine::Error);
  CHECK_THROWS_WITH_AS(of(shipped_encoder(), 3), doctest::Contains("layers 1 to 2"), engine::Error);
}
