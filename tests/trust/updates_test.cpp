// Accounting of updates: every one learns, an epoch is an epoch, examples weigh the same.
#include <cmath>

#include "engine/io/run_folder.h"
#include "tests/trust/program.h"

using namespace trust;
using engine::Json;
using testing::TempDir;
using testing::write_file;

namespace {

std::vector<Json> steps_of(const fs::path& run) {
  std::vector<Json> steps;
  for (const Json& line : engine::read_metrics(run / "metrics.jsonl"))
    if (line.contains("lr")) steps.push_back(line);
  return steps;
}

}  // namespace

TEST_CASE("updates: a run of few updates learns in each of them") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  int n = 0;
  for (const Words& more : std::vector<Words>{
           {"--max-steps", "1"},
           {"--max-steps", "1", "--schedule", "cosine"},
           {"--max-steps", "2", "--warmup-ratio", "1"},
           {"--epochs", "1", "--schedule", "constant_with_warmup", "--warmup-ratio", "0.5"},
           {"--max-steps", "3", "--warmup-ratio", "0"}}) {
    Words words = {"--strategy", "full", "--lr", "1e-3", "--log-every", "1"};
    words.insert(words.end(), more.begin(), more.end());
    const std::string out = "r" + std::to_string(++n);
    works(finetune(dir, dir / "t.csv", out, words));
    const auto steps = steps_of(dir / out);
    REQUIRE_FALSE(steps.empty());
    for (const Json& step : steps) CHECK(step["lr"].get<double>() > 0);
  }
  // transformers' own schedule, by name: its first update is at rate 0.
  works(finetune(dir, dir / "t.csv", "hf",
                 {"--max-steps", "3", "--schedule", "hf_linear", "--warmup-ratio", "0.5", "--lr",
                  "1e-3", "--log-every", "1"}));
  CHECK(steps_of(dir / "hf").front()["lr"].get<double>() == 0);
}

TEST_CASE("updates: an epoch uses every example once, however it is cut") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(7));
  double norm = 0;
  int n = 0;
  for (const auto& [batch, accumulate, updates] :
       std::vector<std::tuple<int, int, int>>{{7, 1, 1},
                                              {3, 3, 1},
                                              {2, 4, 1},
                                              {1, 7, 1},
                                              {4, 2, 1},
                                              {3, 2, 2},
                                              {2, 3, 2},
                                              {5, 1, 2}}) {
    const std::string out = "r" + std::to_string(++n);
    works(finetune(dir, dir / "t.csv", out,
                   {"--strategy",
                    "full",
                    "--dropout",
                    "0",
                    "--schedule",
                    "constant",
                    "--warmup-ratio",
                    "0",
                    "--lr",
                    "1e-9",
                    "--max-grad-norm",
                    "0",
                    "--log-every",
                    "1",
                    "--epochs",
                    "1",
                    "--batch-size",
                    std::to_string(batch),
                    "--grad-accumulation",
                    std::to_string(accumulate)}));
    const auto steps = steps_of(dir / out);
    CAPTURE(batch);
    CAPTURE(accumulate);
    CHECK(steps.size() == static_cast<size_t>(updates));
    const Json record = engine::json_file(dir / out / "run.json");
    CHECK(record["epochs"].get<double>() == 1);
    if (updates > 1) continue;
    const double here = steps[0]["grad_norm"].get<double>();
    if (norm == 0) norm = here;
    CHECK(here == doctest::Approx(norm).epsilon(1e-4));
  }
}

TEST_CASE("updates: --max-steps counts updates, not batches, and stops inside an epoch") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(8));
  works(finetune(dir, dir / "t.csv", "r",
                 {"--max-steps", "3", "--batch-size", "2", "--grad-accumulation", "3"}));
  const Json record = engine::json_file(dir / "r" / "run.json");
  CHECK(record["steps"].get<int64_t>() == 3);
  CHECK(record["epochs"].get<double>() == doctest::Approx(1.75));  // 3 + 1, then 3 of 4 batches
}
