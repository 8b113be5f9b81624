// LoRA adapters that peft merge adds.
#include "apps/common/named_adapter.h"
#include "apps/merge/merge.h"
#include "apps/merge/sum.h"
#include "tests/apps/adapter_runs.h"

namespace fs = std::filesystem;
using adapter_runs::lines_of;
using adapter_runs::predict;
using adapter_runs::Said;
using adapter_runs::train;
using engine::concat;
using testing::contains;
using testing::message_of;

TEST_CASE("sums of LoRA adapters: as weights, as an adapter, and what has none") {
  testing::TempDir temp;
  const fs::path a = train(temp, "a", "lora:r=2", {"x", "y"}), out = temp / "sum";
  fs::copy(a, temp / "b", fs::copy_options::recursive);
  testing::write_file(temp / "t.jsonl",
                      "{\"text\": \"a dull film\"}\n{\"text\": \"kind people\"}\n");
  const auto probabilities = [&](const std::vector<std::string>& model) {
    std::vector<std::string> arguments = model;
    arguments.insert(arguments.end(), {"--data", (temp / "t.jsonl").string()});
    const Said said = predict(arguments);
    REQUIRE_MESSAGE(said.code == 0, said.err);
    std::vector<double> p;
    for (const auto& row : lines_of(said.out)) p.push_back(row.at("probabilities").at("x"));
    return p;
  };
  const auto same = [](const std::vector<double>& p, const std::vector<double>& q) {
    REQUIRE(p.size() == q.size());
    for (size_t i = 0; i < p.size(); ++i) CHECK(p[i] == doctest::Approx(q[i]).epsilon(1e-5));
  };
  const std::vector<double> wanted = probabilities({"--adapter", a.string()});
  // A quarter and three quarters of one adapter are that adapter.
  apps::SumOptions sum{{{"a", a.string()}, {"b", (temp / "b").string()}}, {0.25, 0.75}, "", 0};
  std::ostringstream log;
  for (const char* how : {"cat", "svd", "linear"}) {
    CAPTURE(how);
    sum.combine = how;
    fs::remove_all(out);
    apps::write_sum(sum, out, log);
    CHECK(contains(log.str(), "0.25 * a + 0.75 * b"));
    if (std::string(how) == "linear") {  // (sqrt .25 + sqrt .75)^2 of it: not that adapter
      CHECK(std::abs(probabilities({"--adapter", out.string()})[0] - wanted[0]) > 1e-6);
      continue;
    }
    same(probabilities({"--adapter", out.string()}), wanted);
    apps::MergeOptions merge{"", a, temp / concat("merged-", how), "F32", 0};
    merge.sum = apps::sum_of(sum);
    apps::merge_adapter(merge, log);
    same(probabilities({"--model", merge.out.string()}), wanted);
  }
  // Updates of some columns of a fused layer are added as PEFT has them.
  const fs::path g = train(temp, "g", "lora:r=2,roles=query+value", {"x", "y"}, "text",
                           "random:type=gpt2,layers=1,hidden=16,heads=2,positions=32");
  const std::string fused = g.string();
  apps::write_sum({{{"g", fused}, {"h", fused}}, {3, -2}, "cat", 0}, temp / "fused", log);
  same(probabilities({"--adapter", (temp / "fused").string()}),
       probabilities({"--adapter", fused}));

  CHECK(contains(message_of([&] { apps::write_sum(sum, out, log); }), "exists and is not empty"));
  sum.weights = {1};
  CHECK(contains(message_of([&] { apps::sum_of(sum); }), "--weights has 1, and there are 2"));
  sum.weights = {};
  sum.combine = "ties";
  CHECK(contains(message_of([&] { apps::sum_of(sum); }), "linear, cat and svd are known"));
  sum.combine = "cat";
  sum.adapters[1].folder = train(temp, "c", "lora:r=2", {"y", "x"}).string();
  CHECK(contains(message_of([&] { apps::sum_of(sum); }), "b has the classes y, x, and a has x, y"));
  sum.adapters[1].folder = train(temp, "d", "lora:r=2", {"x", "x", "y"}).string();
  CHECK(contains(message_of([&] { apps::sum_of(sum); }), "each have a classifier."));
}

TEST_CASE("names of adapters and weights") {
  const auto named = apps::named_adapters({"fr=runs/x", "runs/de/", "runs/it/adapter"});
  REQUIRE(named.size() == 3);
  CHECK(apps::names_text(named) == "fr, de, it");
  CHECK(named[0].folder == "runs/x");
  CHECK(named[2].folder == "runs/it/adapter");
  CHECK(contains(message_of([] { apps::named_adapters({"=x"}); }), "lacks a name"));
  CHECK(apps::parse_weights("0.7, -0.3  2") == std::vector<double>{0.7, -0.3, 2});
  CHECK(contains(message_of([] { apps::parse_weights("1 x"); }), "are no numbers"));
}
