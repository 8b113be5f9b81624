// Attention weights against transformers' output_attentions (tools/goldens/attention.py), and their
// page, text and JSON.
#include "apps/inspect/attention.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "apps/inspect/inspect.h"
#include "models/pretrained.h"
#include "tests/support/browser.h"

using engine::AttentionWeights;
using engine::Json;

namespace {

AttentionWeights weights_of(models::ModelSource source, const std::vector<int32_t>& ids) {
  models::SequenceClassifier model(source.config);
  engine::ParameterStore store(model);
  store.allocate();
  models::load_weights(source, store, 1, true);
  engine::TokenBatch batch;
  batch.ids = ids;
  batch.types.assign(ids.size(), 0);
  batch.segments.add(static_cast<int32_t>(ids.size()));
  AttentionWeights seen;
  engine::Workspace workspace;
  engine::GraphOptions options;
  options.record = false;
  options.attention = &seen;
  engine::Graph g(workspace, options);
  model.encode(g, batch);
  return seen;
}

run::Attention attention_of(const std::string& type, const std::string& strategy) {
  run::AttentionRequest request;
  request.model = "random:type=" + type + ",layers=2,hidden=32,heads=4,positions=40";
  request.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  request.strategy = strategy;
  request.text = "the plot is thin and the acting is good";
  return run::attention_of(request);
}

double largest_difference_from_one(const run::Attention& a) {
  double most = 0;
  for (const AttentionWeights::Op& op : a.weights.ops)
    for (const AttentionWeights::Head& head : op.all)
      for (int64_t q = 0; q < head.queries; ++q) {
        double sum = 0;
        for (int64_t k = 0; k < head.keys; ++k) sum += static_cast<double>(head.row(q)[k]);
        most = std::max(most, std::abs(sum - 1));
      }
  return most;
}

}  // namespace

TEST_CASE("attention: the weights of transformers, for every family") {
  const Json golden = engine::json_file(testing::golden("attention.json"));
  CHECK(golden["models"].size() == 10);
  for (const Json& entry : golden["models"]) {
    const std::string name = entry["model"];
    CAPTURE(name);
    const AttentionWeights seen = weights_of(models::open_model(testing::golden(name).string()),
                                             entry["ids"].get<std::vector<int32_t>>());
    REQUIRE(seen.ops.size() == entry["layers"].size());
    double most = 0;
    for (size_t l = 0; l < seen.ops.size(); ++l) {
      REQUIRE(seen.ops[l].all.size() == entry["layers"][l].size());
      for (size_t h = 0; h < seen.ops[l].all.size(); ++h) {
        const AttentionWeights::Head& head = seen.ops[l].all[h];
        const auto rows = entry["layers"][l][h].get<std::vector<std::vector<double>>>();
        REQUIRE(head.queries == static_cast<int64_t>(rows.size()));
        for (int64_t q = 0; q < head.queries; ++q)
          for (int64_t k = 0; k < head.keys; ++k)
            most = std::max(most, std::abs(static_cast<double>(head.row(q)[k]) -
                                           rows[static_cast<size_t>(q)][static_cast<size_t>(k)]));
      }
    }
    CHECK(most < 2e-6);
  }
}

TEST_CASE("attention: rows sum to 1; a mask hides what comes later; a prefix has its columns") {
  for (const char* type :
       {"bert", "roberta", "electra", "distilbert", "gpt2", "llama", "modernbert", "deberta-v2"}) {
    CAPTURE(type);
    const run::Attention a = attention_of(type, "");
    CHECK(largest_difference_from_one(a) < 1e-5);
    const bool causal = std::string(type) == "gpt2" || std::string(type) == "llama";
    CHECK(a.causal == causal);
    const AttentionWeights::Head& head = a.weights.ops[1].of(0, 3);
    CHECK((head.row(0)[2] == 0) == causal);
    CHECK(a.keys == a.queries);
  }
  for (const char* type : {"bert", "gpt2"}) {
    const run::Attention a = attention_of(type, "prefix:length=5");
    CHECK(a.prefix == 5);
    CHECK(a.keys.size() == a.queries.size() + 5);
    CHECK(a.keys[4] == "prefix 5");
    CHECK(largest_difference_from_one(a) < 1e-5);
    CHECK(a.weights.ops[0].of(0, 0).row(0)[4] > 0);
  }
  const run::Attention prompt = attention_of("gpt2", "prompt:length=3");
  CHECK(prompt.prefix == 0);
  CHECK(prompt.queries[2] == "prompt 3");
}

TEST_CASE("attention: the command's text, JSON and errors") {
  const std::string model = "random:layers=2,hidden=32,heads=4,positions=24";
  const std::string tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  const auto run = [&](std::vector<const char*> more) {
    std::vector<const char*> argv = {"inspect",     "attention",        "--model",
                                     model.c_str(), "--tokenizer",      tokenizer.c_str(),
                                     "--text",      "the plot is thin."};
    argv.insert(argv.end(), more.begin(), more.end());
    std::istringstream in;
    std::ostringstream out, notes;
    apps::inspect_command(static_cast<int>(argv.size()), argv.data(), in, true, out, notes);
    return out.str();
  };
  const std::string text = run({});
  CHECK(text.find("layer 2, mean over the heads\n[CLS]") != std::string::npos);
  CHECK(run({"--layer", "2", "--head", "3"}).find("layer 2, head 3\n[CLS]") != std::string::npos);
  CHECK(run({"--strategy", "prefix:length=4", "--layer", "1"}).find("[CLS]   ") !=
        std::string::npos);
  const Json json = Json::parse(run({"--json"}));
  CHECK(json["layers"].size() == 2);
  double sum = 0;
  for (const Json& w : json["layers"][1][3][0]) sum += w.get<double>();
  CHECK(sum == doctest::Approx(1).epsilon(1e-4));
  CHECK_THROWS_WITH_AS(run({"--layer", "3"}),
                       doctest::Contains("the model has 2 layers of 4 heads"), engine::Error);
  CHECK_THROWS_WITH_AS(run({"another"}), doctest::Contains("there are 2 texts"), engine::Error);
}

TEST_CASE("attention: the page in a browser, wide and narrow") {
  const std::string page = apps::attention_page(attention_of("bert", "prefix:length=2"));
  CHECK(page.find(" src=") == std::string::npos);
  const auto browser = testing::chromium();
  if (!browser) return;
  for (const char* window : {"1280,900", "390,844"}) {
    const std::string dom = testing::loaded(
        *browser, page,
        "const root = document.documentElement; chooseHead(1, 3); root.dataset.painted = "
        "[...document.querySelectorAll('canvas')].filter(c => c.getContext('2d').getImageData(0, "
        "0, "
        "c.width, c.height).data.some(v => v > 0)).length; "
        "root.dataset.wide = root.scrollWidth > innerWidth;",
        window);
    const std::string root = testing::root_of(dom);
    CAPTURE(root);
    CHECK(root.find("data-error") == std::string::npos);
    CHECK(root.find("data-heads=\"8\"") != std::string::npos);
    CHECK(root.find("data-painted=\"8\"") != std::string::npos);
    CHECK(root.find("data-wide=\"false\"") != std::string::npos);
    CHECK(dom.find(">Layer 2, head 4<") != std::string::npos);
    CHECK(dom.find("prefix 2 ") == std::string::npos);
    CHECK(dom.find("prefix 2") != std::string::npos);
  }
}

TEST_CASE("an infix has columns in front of the last token, which alone sees them") {
  const run::Attention a = attention_of("gpt2", "prefix:length=2,flat=true,placement=infix");
  REQUIRE(a.keys.size() == a.queries.size() + 2);
  const size_t at = a.keys.size() - 3;
  CHECK(a.keys[at] == "infix 1");
  CHECK(a.keys[at + 1] == "infix 2");
  CHECK(a.keys.back() == a.queries.back());
  const AttentionWeights::Head& head = a.weights.ops[0].of(0, 0);
  for (int64_t q = 0; q < head.queries; ++q)
    CHECK((head.row(q)[at] > 0) == (q == head.queries - 1));
  CHECK(largest_difference_from_one(a) < 1e-5);
}
