#include "bench/step.h"

#include <doctest/doctest.h>

#include <sstream>

#include "bench/serve.h"

using bench::StepCase;
using bench::StepResult;

namespace {

const std::vector<std::string> kStrategies = {
    "full", "frozen", "bitfit", "ia3", "lora", "adapter:size=4", "prefix:length=3,hidden=8"};

StepCase small(const std::string& strategy) {
  StepCase c;
  c.model = "random:layers=2,hidden=16,heads=2,vocab=50";
  c.strategy = strategy;
  c.batch = 4;
  c.lengths = "7";
  c.steps = 2;
  c.profiled = 1;
  return c;
}

}  // namespace

TEST_CASE("a warm step takes nothing from the system, and no gradient is filled with zeros") {
  for (const auto& strategy : kStrategies) {
    CAPTURE(strategy);
    const StepResult r = bench::run_step(small(strategy));
#if !defined(__SANITIZE_ADDRESS__)  // there each block is the system's
    CHECK(r.warm_system_allocations == 0);
#endif
    CHECK(r.unwritten_gradients == 0);
    CHECK(r.tokens == 28);
    CHECK(r.work.tokens == 28);
    CHECK(r.work.steps == 1);
  }
}

TEST_CASE("what a frozen weight saves: no product for its gradient, no input kept") {
  const StepResult full = bench::run_step(small("full")), bitfit = bench::run_step(small("bitfit")),
                   frozen = bench::run_step(small("frozen"));
  const double classifier = 2.0 * 4 * 16 * 2;  // 4 sequences, 16 wide, 2 classes
  CHECK(bitfit.work.weight_gradient.calls == 1);
  CHECK(bitfit.work.weight_gradient.flops == classifier);
  CHECK(frozen.work.weight_gradient.calls == 1);
  CHECK(frozen.work.input_gradient.calls == 0);
  CHECK(frozen.work.flops() == frozen.work.forward.flops + classifier);
  CHECK(bitfit.work.forward.flops == full.work.forward.flops);
  CHECK(bitfit.work.input_gradient.flops == full.work.input_gradient.flops);
  CHECK(bitfit.work.saved_bytes < full.work.saved_bytes);
  CHECK(frozen.work.saved_bytes < bitfit.work.saved_bytes / 4);
  CHECK(bitfit.tensor_bytes_peak < full.tensor_bytes_peak);
  CHECK(frozen.trained_parameters == 2 * 16 + 2);
}

TEST_CASE("counts do not depend on the number of threads") {
  for (const auto& strategy : kStrategies) {
    CAPTURE(strategy);
    StepCase c = small(strategy);
    c.steps = 1;
    c.threads = 1;
    const StepResult one = bench::run_step(c);
    c.threads = 2;
    const StepResult two = bench::run_step(c);
    CHECK(one.work.gemms() == two.work.gemms());
    CHECK(one.work.flops() == two.work.flops());
    CHECK(one.work.saved_bytes == two.work.saved_bytes);
    CHECK(one.work.needed_flops() == two.work.needed_flops());
  }
}

TEST_CASE("batches of different lengths are taken in turn, and their counts are means") {
  StepCase c = small("bitfit");
  c.lengths = "cola";
  c.batches = 3;
  c.steps = 6;
  const StepResult r = bench::run_step(c);
  bench::StepRunner runner(c);
  int64_t tokens = 0;
  for (const auto& batch : runner.lengths())
    for (const int length : batch) tokens += length;
  CHECK(runner.lengths().size() == 3);
  CHECK(r.tokens == tokens / 3);
  CHECK(r.work.tokens == tokens / 3);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(r.warm_system_allocations == 0);
#endif
}

TEST_CASE("the JSON has what reports and scripts read") {
  const StepCase c = small("lora");
  const engine::Json json = bench::run_step(c).to_json(c);
  for (const char* key : {"model",
                          "strategy",
                          "batch",
                          "lengths",
                          "tokens",
                          "threads",
                          "dropout",
                          "step_ms",
                          "fastest_ms",
                          "slowest_ms",
                          "forward_ms",
                          "backward_ms",
                          "optimizer_ms",
                          "tokens_per_second",
                          "gflops",
                          "peak_gflops",
                          "share_of_peak",
                          "gemm_calls",
                          "gemm_flops",
                          "needed_flops",
                          "needed_share_of_peak",
                          "weight_gradient_flops",
                          "saved_bytes",
                          "tensor_bytes_peak",
                          "weight_bytes",
                          "trained_parameters",
                          "resident_peak",
                          "resident_above_weights",
                          "warm_system_allocations",
                          "unwritten_gradients",
                          "ops"})
    CHECK_MESSAGE(json.contains(key), key);
  bool attention = false, optimizer = false;
  for (const auto& op : json["ops"]) {
    for (const char* key : {"op", "calls", "forward_ms", "backward_ms", "saved_bytes"})
      CHECK_MESSAGE(op.contains(key), key);
    attention = attention || op["op"] == "attention";
    optimizer = optimizer || op["op"] == "optimizer";
  }
  CHECK(attention);
  CHECK(optimizer);
}

TEST_CASE("serving: ready, then steps on request") {
  StepCase c = small("lora");
  c.lengths = "sst2";
  c.batches = 2;
  std::istringstream in("run 3\npeak\nquit\nrun 1\n");
  std::ostringstream out;
  bench::serve(c, in, out);
  std::istringstream lines(out.str());
  std::vector<engine::Json> said;
  for (std::string line; std::getline(lines, line);)
    said.push_back(engine::parse_json(line, "serve"));
  REQUIRE(said.size() == 3);
  CHECK(said[0]["event"] == "ready");
  for (const char* key : {"trained_parameters", "parameters", "weight_bytes", "shape", "lengths",
                          "resident_before", "made_seconds", "first_step_seconds",
                          "since_start_seconds", "needed_flops_per_token", "machine"})
    CHECK_MESSAGE(said[0].contains(key), key);
  CHECK(said[0]["lengths"].size() == 2);
  CHECK(said[0]["lengths"][0].size() == 4);
  CHECK(said[0]["trained_parameters"] == 2 * 2 * 8 * 2 * 16 + 2 * 16 + 2);
  CHECK(said[1]["event"] == "ran");
  CHECK(said[1]["seconds"].size() == 3);
  int64_t tokens = 0;  // batches 0, 1, 0 or 1, 0, 1: both were taken as often before
  for (const auto& batch : said[0]["lengths"])
    for (const auto& length : batch) tokens += length.get<int64_t>();
  CHECK(said[1]["tokens"].get<int64_t>() > tokens);
  CHECK(said[1]["tokens"].get<int64_t>() < 2 * tokens);
  CHECK(said[2]["event"] == "peak");
  std::istringstream nonsense("walk 1\n");
  CHECK_THROWS_AS(bench::serve(c, nonsense, out), engine::Error);
}
