// One training step, timed: any shape, strategy, batch and lengths.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/counters.h"
#include "engine/io/json.h"

namespace bench {

struct StepCase {
  std::string model = "random:layers=4,hidden=256";  // or a config.json
  std::string strategy = "full";
  int batch = 32;
  std::vector<int> lengths{128};  // tokens of each sequence, repeated to fill the batch
  int threads = 0;
  double dropout = 0.1;
  int warmup = 2, steps = 10;
};

struct StepResult {
  int64_t tokens = 0;                                   // in a step; every one exists, there is no padding
  double forward_ms = 0, backward_ms = 0, optimizer_ms = 0;  // medians
  double step_ms = 0, fastest_ms = 0, slowest_ms = 0;
  engine::Counters work;                                // of one step
  int64_t warm_system_allocations = 0;                  // of the pool, after the warm-up: 0
  int64_t tensor_bytes_peak = 0, weight_bytes = 0, trained_parameters = 0;
  double peak_gflops = 0;                               // of this machine with these threads, measured beside the steps
  int threads = 0;

  double tokens_per_second() const { return static_cast<double>(tokens) / (step_ms * 1e-3); }
  double gflops() const { return work.flops() / (step_ms * 1e6); }
  double share_of_peak() const { return peak_gflops > 0 ? gflops() / peak_gflops : 0; }
  engine::Json to_json(const StepCase& c) const;
};

StepResult run_step(const StepCase& c);

}  // namespace bench
