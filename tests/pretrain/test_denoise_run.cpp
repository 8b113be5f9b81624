#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "models/classifier.h"
#include "models/pretrained.h"
#include "tests/pretrain/runs.h"

using namespace toy;

TEST_CASE(
    "pretrain denoise: the held-out loss falls, and BART is exported and goes on bit for bit") {
  toy::Folder f(200);
  for (const std::string type : {"bart", "mbart"}) {
    CAPTURE(type);
    auto o = options_of(f, type);
    o.objective = "denoise";
    if (type != "bart") o.model += ",type=" + type;
    o.steps = 120;
    std::vector<float> whole;
    {
      run::Pretrainer p(o, nobody);
      p.run();
      whole = values(p);
    }
    std::vector<double> held_out;
    for (const auto& line : engine::read_metrics(o.out / "metrics.jsonl"))
      if (line.contains("held_out_denoise_loss")) held_out.push_back(line["held_out_denoise_loss"]);
    CHECK(held_out.front() == doctest::Approx(std::log(26)).epsilon(0.1));
    CHECK(held_out.back() < 0.6 * held_out.front());

    const auto json = engine::json_file(o.out / "model" / "config.json");
    CHECK(json["architectures"][0] ==
          (type == "bart" ? "BartForConditionalGeneration" : "MBartForConditionalGeneration"));
    CHECK(json["decoder_start_token_id"] == 3);  // [SEP], as BART begins with its end token
    CHECK(json["dropout"] == 0.1);               // fine-tuning's, not this run's
    models::ModelSource source = models::open_model((o.out / "model").string());
    source.config.head = models::HeadKind::language_model;
    models::SequenceClassifier model(source.config);
    engine::ParameterStore store(model);
    store.allocate();
    const engine::LoadReport report = models::load_weights(source, store, 1, false);
    CHECK(report.missing.empty());
    CHECK(report.unexpected.empty());

    auto parts = o;
    parts.out = f.dir / (type + "-parts");
    {
      run::Pretrainer p(parts, nobody);
      p.abandon_after(50);
      p.run();
    }
    parts.resume = true;
    run::Pretrainer p(parts, nobody);
    p.run();
    CHECK(values(p) == whole);
    CHECK(curve(parts.out) == curve(o.out));
  }
  auto o = options_of(f, "bert");
  o.objective = "denoise";
  o.model += ",type=bert";
  CHECK_THROWS_WITH_AS(run::Pretrainer(o, nobody).run(), doctest::Contains("no decoder"),
                       engine::Error);
}
