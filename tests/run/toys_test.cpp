// A family, a strategy and a task of one file each: they train, are planned, resume, predict, are
// opened again from their run and merged, together and beside the built-in ones.
#include "tests/toys/toys.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "apps/merge/merge.h"
#include "run/finetune.h"
#include "run/plan.h"
#include "run/predictor.h"
#include "tests/run/stop_after.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;

// Which of the examples are said to be what; logits as probabilities.
struct Said {
  std::string first, second;
  std::vector<double> outputs;
};

Said ask(const run::PredictRequest& request) {
  run::Predictor predictor(request);
  const std::vector<data::Example> texts = {{.a = "kind people"}, {.a = "warm soup"}};
  const auto p = predictor.predict(predictor.encode(texts));
  return {predictor.task().answer(p, 0), predictor.task().answer(p, 1), p.outputs};
}

void check_run(const std::string& model, const std::string& strategy, const std::string& dims) {
  CAPTURE(model);
  CAPTURE(strategy);
  testing::TempDir temp;
  std::string csv = "text,label\n";
  for (int i = 0; i < 24; ++i)
    csv += i % 3 == 0   ? "warm soup,food\n"
           : i % 3 == 1 ? "a dull film,film\n"
                        : "kind people,other\n";
  testing::write_file(temp / "d.csv", csv);
  run::FinetuneSettings s;
  s.kind = toys::task();
  s.train = s.dev = (temp / "d.csv").string();
  s.model = model + dims;
  s.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  s.strategy = strategy;
  s.batch_size = 4;
  s.epochs = 20;
  s.lr = 1e-2;
  s.dropout = 0;
  s.threads = 2;
  s.out = (temp / "whole").string();
  testing::StopAfter never(-1), early(5);
  const engine::Json record = run::finetune(s, never).record;
  CHECK(record.at("metrics").at("dev").at("accuracy").get<double>() == 1);

  const auto plan = run::make_plan(models::config_from_spec(s.model, 8192).to_json(), strategy,
                                   {.batch = 4, .length = 6, .num_labels = 3});
  CHECK(plan.trainable_parameters == record.at("trainable_parameters").get<int64_t>());
  CHECK(plan.total_parameters == record.at("total_parameters").get<int64_t>());
  CHECK(plan.system_allocations == 0);
  CHECK(plan.weight_gradient.calls < plan.forward.calls);

  run::FinetuneSettings part = s;
  part.out = (temp / "part").string();
  CHECK_FALSE(run::finetune(part, early).finished);
  part.resume = true;
  CHECK(run::finetune(part, never).finished);
  const auto adapter = [](const run::FinetuneSettings& settings) {
    return testing::read_file(fs::path(settings.out) / "adapter" / "adapter_model.safetensors");
  };
  CHECK(adapter(s) == adapter(part));

  std::ostringstream log;
  apps::merge_adapter({"", s.out, temp / "merged", "F32"}, log);
  const Said trained = ask({{.run = s.out}}), merged = ask({{.model = (temp / "merged").string()}});
  for (const Said& said : {trained, merged}) {
    CHECK(said.first == "other");
    CHECK(said.second == "food");
  }
  REQUIRE(trained.outputs.size() == merged.outputs.size());
  for (size_t i = 0; i < trained.outputs.size(); ++i)
    CHECK(merged.outputs[i] == doctest::Approx(trained.outputs[i]).epsilon(1e-4));
}

}  // namespace

TEST_CASE("a toy family, strategy and task train, are planned, resume, predict and merge") {
  check_run(toys::family(), toys::strategy(), "");
}

TEST_CASE("a toy task with a built-in family and strategy") {
  check_run("random:", "lora:r=4", "layers=1,hidden=64,heads=2,ffn=64,positions=32");
}

TEST_CASE("a toy strategy is joined to others, explained, and guessed from a typo") {
  const std::string gain = toys::strategy();
  CHECK(peft::make_strategy(gain + ":roles=query+bitfit")->spec() == "gain:roles=query+bitfit");
  CHECK(peft::strategy_help().find("factors for what linear layers read") != std::string::npos);
  CHECK_THROWS_WITH_AS(peft::make_strategy("gains"), doctest::Contains("did you mean gain?"),
                       engine::Error);
}
