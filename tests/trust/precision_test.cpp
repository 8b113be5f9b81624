// --precision and --weights: what is refused, what goes on, and that a run's files are as before.
#include <csignal>

#include "engine/io/json.h"
#include "engine/tensor/half_gemm.h"
#include "tests/trust/program.h"

using namespace trust;
using engine::Json;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

TEST_CASE("precision: a name that is not known, or that this processor cannot compute") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(16));
  refuses(finetune(dir, dir / "t.csv", "a", {"--precision", "int8"}),
          {"--precision int8", "fp32, bf16"});
  refuses(finetune(dir, dir / "t.csv", "a", {"--weights", "BF16"}),
          {"--weights BF16", "fp32, bf16"});
  if (!engine::has_bf16_products())
    refuses(finetune(dir, dir / "t.csv", "a", {"--precision", "bf16"}),
            {"avx512_bf16", "--weights bf16"});
  CHECK_FALSE(fs::exists(dir / "a"));
  // A plan may be for another machine.
  const Words plan = {"plan",       "--model", "random:layers=2,hidden=128",
                      "--strategy", "lora",    "--json"};
  Words half = plan;
  half.insert(half.end(), {"--precision", "bf16"});
  const auto weights = [](const Words& words) {
    return Json::parse(works(words).out)[0]["memory"]["weight_bytes"].get<int64_t>();
  };
  CHECK(weights(half) < weights(plan));
}

TEST_CASE("precision: a run goes on as it was begun, and only so") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(40));
  std::vector<Words> kinds = {{"--weights", "bf16"}};
  if (engine::has_bf16_products()) kinds.push_back({"--precision", "bf16"});
  for (const Words& kind : kinds) {
    CAPTURE(kind[0]);
    const auto run = [&](const std::string& out, Words more) {
      more.insert(more.end(), kind.begin(), kind.end());
      more.insert(more.end(), {"--strategy", "lora:r=4", "--batch-size", "8", "--log-every", "1"});
      return finetune(dir, dir / "t.csv", out + kind[0], more);
    };
    works(run("whole", {"--max-steps", "200"}));
    const Outcome cut =
        peft(run("cut", {"--max-steps", "200"}), {.meanwhile = [&](int pid, const fs::path&) {
               REQUIRE(wait_for(dir / ("cut" + kind[0]) / "metrics.jsonl", "\"step\":20,"));
               ::kill(pid, SIGTERM);
             }});
    REQUIRE(cut.code == 143);
    works({"finetune", "--resume", "--out", (dir / ("cut" + kind[0])).string()});
    CHECK(read_file(dir / ("whole" + kind[0]) / "adapter/adapter_model.safetensors") ==
          read_file(dir / ("cut" + kind[0]) / "adapter/adapter_model.safetensors"));
    refuses(
        {"finetune", "--resume", "--out", (dir / ("whole" + kind[0])).string(), kind[0], "fp32"},
        {kind[0].substr(2)});
    const Json record = engine::json_file(dir / ("whole" + kind[0]) / "run.json");
    CHECK(record["settings"][kind[0].substr(2)] == "bf16");
    // Its adapter is read in any precision, and says nearly the same.
    const auto loss = [&](const Words& more) {
      Words words = {"evaluate", (dir / ("whole" + kind[0])).string(), (dir / "t.csv").string(),
                     "--json"};
      words.insert(words.end(), more.begin(), more.end());
      return Json::parse(works(words).out)["loss"].get<double>();
    };
    CHECK(loss({}) == doctest::Approx(loss(kind)).epsilon(0.01));
  }
}

TEST_CASE("precision: inspect hardware says what there is") {
  const Json json = Json::parse(works({"inspect", "hardware", "--json"}).out);
  CHECK(json["bf16_instructions"] == engine::bf16_instructions());
  CHECK(works({"inspect", "hardware"}).says("bf16"));
}
