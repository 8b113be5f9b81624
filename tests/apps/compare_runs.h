// Run folders made by hand, as finetune writes them.
#pragma once

#include <filesystem>
#include <string>

#include "apps/compare/runs.h"
#include "tests/support/paths.h"

namespace testing {

// A finished run of bert-tiny. Products: forward 4, and what `strategy` has of 4 and 4.
inline engine::Json run_record(const std::string& strategy, int64_t trainable, int seed,
                               double score, double lr = 1e-3, const std::string& task = "sst2") {
  const std::string name = strategy.substr(0, strategy.find(':'));
  const double input = name == "frozen" ? 0 : 4, weight = name == "full" ? 4 : 0.004;
  return {{"version", 1},
          {"settings",
           {{"lr", lr}, {"seed", seed}, {"out", "somewhere"}, {"threads", 2}, {"epochs", 3}}},
          {"schema", "peft.cpp/run/1"},
          {"status", "finished"},
          {"task", task},
          {"task_info", {{"metrics", {"accuracy"}}}},
          {"model", {{"spec", "bert-tiny"}, {"model_type", "bert"}, {"hash", "m1"}}},
          {"strategy", name},
          {"strategy_spec", strategy},
          {"trainable_parameters", trainable},
          {"total_parameters", 4386178},
          {"metrics", {{"dev", {{"accuracy", score}, {"loss", 0.4}, {"score", score}}}}},
          {"seconds", 61.5},
          {"train_seconds", 50.5},
          {"tokens_per_second", 12345.6},
          {"peak_memory_bytes", 123456789},
          {"inference", {{"examples", 50}, {"milliseconds", 1.25}, {"merged_milliseconds", 1.125}}},
          {"steps", 30},
          {"counts",
           {{"gemm_flops", 4.5e9},
            {"forward_flops", 4e9},
            {"input_gradient_flops", input * 1e9},
            {"weight_gradient_flops", weight * 1e9},
            {"saved_bytes_peak", name == "full" ? 2000000 : 1000000},
            {"tokens", 1000000}}},
          {"seed", seed},
          {"machine", {{"processor", "a processor"}, {"threads", 2}}},
          {"data",
           {{"hash", "d1"},
            {"train_examples", 3668},
            {"splits", {{"train", {{"tokens", 195290}}}, {"dev", {{"examples", 408}}}}}}}};
}

inline void write_run(const std::filesystem::path& folder, const engine::Json& json,
                      const std::string& metrics = "") {
  std::filesystem::create_directories(folder);
  write_file(folder / "run.json", json.dump());
  if (!metrics.empty()) write_file(folder / "metrics.jsonl", metrics);
}

}  // namespace testing
