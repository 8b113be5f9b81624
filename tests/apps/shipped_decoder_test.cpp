// The causal model that ships with the project, against transformers on the same files
// (tools/goldens/shipped_decoder.py).
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "engine/io/json.h"
#include "tests/apps/generate_calls.h"
#include "tests/support/paths.h"

using apps_calls::generate;
using apps_calls::logits;
using engine::Json;

TEST_CASE("the shipped decoder reads and writes what transformers does") {
  const Json golden = engine::json_file(testing::golden("shipped_decoder.json"));
  const std::string model =
      (testing::source_dir() / golden.at("folder").get<std::string>()).string();
  for (const Json& c : golden.at("cases")) {
    const std::string text = c.at("text");
    CAPTURE(text);
    const Json read = logits({"--model", model, "--json"}, text + "\n").lines().at(0);
    CHECK(read.at("ids") == c.at("ids"));
    REQUIRE(read.at("nll").size() == c.at("nll").size());
    for (size_t i = 0; i < c.at("nll").size(); ++i)
      CHECK(std::abs(read.at("nll")[i].get<double>() - c.at("nll")[i].get<double>()) < 2e-5);
    const std::vector<std::string> write = {"--model",          model, "--prompt", text,
                                            "--max-new-tokens", "16",  "--json"};
    const auto with = [&](std::vector<std::string> more) {
      more.insert(more.begin(), write.begin(), write.end());
      return generate(more).lines().at(0);
    };
    CHECK(with({"--greedy"}).at("ids") == c.at("greedy"));
    CHECK(with({"--num-beams", "4", "--length-penalty", "0.8", "--no-repeat-ngram-size", "3"})
              .at("ids") == c.at("beams"));
  }
}

TEST_CASE("the shipped decoder expects English") {
  const std::string model = (testing::source_dir() / "data/pretrained/peft-llama-4x128").string();
  const auto mean = [&](const std::string& text) {
    const Json nll = logits({"--model", model, "--json"}, text + "\n").lines().at(0).at("nll");
    return std::accumulate(nll.begin(), nll.end(), 0.0,
                           [](double sum, const Json& v) { return sum + v.get<double>(); }) /
           static_cast<double>(nll.size());
  };
  const double order = mean("He was a member of the party and the president of the country.");
  CHECK(order < 4.0);  // a uniform guess is 8.3
  CHECK(order + 1.5 < mean("the party the He president and a of of was country. the member"));
}
