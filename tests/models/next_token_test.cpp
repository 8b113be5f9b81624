// Scores of the next id against transformers' processors and warpers (tools/goldens/next_token.py).
#include "models/next_token.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/io/json.h"
#include "tests/support/paths.h"

using engine::Json;

namespace {

void check_scores(const std::vector<float>& mine, const Json& wanted) {
  for (size_t i = 0; i < mine.size(); ++i) {
    CAPTURE(i);
    if (wanted[i].is_null())
      CHECK(std::isinf(mine[i]));
    else
      CHECK(mine[i] == doctest::Approx(wanted[i].get<double>()).epsilon(1e-6));
  }
}

}  // namespace

TEST_CASE("scores are processed and warped as in transformers") {
  const Json golden = engine::json_file(testing::golden("next_token.json"));
  for (const Json& c : golden["cases"]) {
    CAPTURE(c.dump());
    models::GenerateOptions o;
    o.repetition_penalty = c.value("repetition_penalty", 1.0);
    o.no_repeat_ngram = c.value("no_repeat_ngram_size", 0);
    o.min_new_tokens = c.value("min_new_tokens", 0);
    o.end = c.value("eos_token_id", std::vector<int32_t>());
    o.suppressed = c.value("suppress_tokens", std::vector<int32_t>());
    o.begin_suppressed = c.value("begin_suppress_tokens", std::vector<int32_t>());
    o.temperature = c.value("temperature", 1.0);
    o.top_k = c.value("top_k", 0);
    o.top_p = c.value("top_p", 1.0);
    o.min_p = c.value("min_p", 0.0);
    const auto ids = c["ids"].get<std::vector<int32_t>>();
    auto scores = c["scores"].get<std::vector<float>>();
    models::process_scores(o, ids, static_cast<int>(ids.size()) - c["prompt"].get<int>(), scores);
    check_scores(scores, c["processed"]);
    models::warp_scores(o, c.value("min_keep", 1), scores);
    check_scores(scores, c["warped"]);
  }
}

TEST_CASE("a draw follows the probabilities, and never takes what is ruled out") {
  const float never = -INFINITY;
  const std::vector<float> scores = {never, std::log(1.0f), never, std::log(3.0f), never};
  CHECK(models::draw(scores, 0) == 1);
  CHECK(models::draw(scores, 0.2499) == 1);
  CHECK(models::draw(scores, 0.2501) == 3);
  CHECK(models::draw(scores, 0.9999999999) == 3);
  CHECK(models::likeliest(scores) == 3);
  CHECK(models::likeliest(std::vector<float>{1, 2, 2}) == 1);
}
