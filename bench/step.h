// Training steps of any shape, strategy, batch and lengths, timed and counted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/counters.h"
#include "engine/io/json.h"
#include "engine/nn/precision.h"
#include "engine/train/pieces.h"
#include "engine/train/profile.h"

namespace bench {

struct StepCase {
  std::string model = "random:layers=4,hidden=256";  // or a name of bench/shapes.h, a folder with
                                                     // weights, a config.json
  std::string strategy = "full";
  int batch = 32;               // sequences
  std::string lengths = "128";  // as bench/shapes.h: numbers with commas, sst2, cola
  int batches = 1;              // different batches, taken in turn
  int threads = 0;              // 0: all
  int64_t piece_tokens = engine::kPiecesByWidth;  // computed at a time (engine/train/pieces.h), as
                                                  // glue_finetune does; 0: the whole batch
  double dropout = 0.1;
  double clip = 1.0;  // of the global gradient norm; 0: none
  int warmup = 2, steps = 10;
  engine::Precision precision = engine::Precision::fp32;
  int profiled = 2;  // steps after the timed ones, with a listener: ms by op
};

// One step: seconds of it and of its phases, its tokens (every one exists, there is no padding),
// and the trainable parameters whose gradient no op wrote, which had to be filled with zeros.
struct StepTime {
  double forward = 0, backward = 0, optimizer = 0, whole = 0;
  int64_t tokens = 0, unwritten = 0;
};

// A model with a strategy, an optimizer and batches, ready to step.
class StepRunner {
 public:
  // Declares, allocates and fills everything; a folder's weights are loaded. Throws engine::Error
  // as the parts do.
  explicit StepRunner(const StepCase& c);
  ~StepRunner();
  StepRunner(StepRunner&&) noexcept;

  // One update on the next batch: forward, backward, clipping, AdamW. A warm one takes no memory
  // from the system.
  StepTime step(engine::OpListener* listener = nullptr);

  const std::vector<std::vector<int>>& lengths() const;  // of all batches
  int64_t piece_tokens() const;  // computed at a time, by the case or by the model's width
  int64_t trained_parameters() const;
  int64_t total_parameters() const;
  int64_t weight_bytes() const;
  int threads() const;
  int64_t resident_before() const;  // of the process before the model was made
  engine::Json shape()
      const;  // layers, hidden, heads, ... : enough to build the same model elsewhere
  // Writes the model as a Hugging Face folder, to measure starting from one.
  void save(const std::filesystem::path& folder) const;
  const engine::Pool& pool() const;
  void reset_pool_peak();

 private:
  struct Parts;
  std::unique_ptr<Parts> p_;
};

struct StepResult {
  int64_t tokens = 0;                                        // a step, the mean over the timed ones
  double forward_ms = 0, backward_ms = 0, optimizer_ms = 0;  // medians
  double step_ms = 0, fastest_ms = 0,
         slowest_ms = 0;                // median; with batches of different lengths the mean
  engine::Counters work;                // of a step, the mean over the batches
  int64_t warm_system_allocations = 0;  // of the pool, after the warm-up: 0
  int64_t unwritten_gradients = 0;      // gradients that had to be zero-filled: 0
  int64_t tensor_bytes_peak = 0, tensor_bytes_touched = 0, weight_bytes = 0, trained_parameters = 0;
  int64_t resident_peak = 0,
          resident_before = 0;  // of the process: at most, and before the model was made
  double peak_gflops = 0;       // of this machine with these threads, measured beside the steps
  int threads = 0;
  int64_t piece_tokens = 0;
  std::vector<engine::Profile::Line> ops;  // of all profiled steps together
  int profiled = 0;

  double tokens_per_second() const { return static_cast<double>(tokens) / (step_ms * 1e-3); }
  double gflops() const { return work.flops() / (step_ms * 1e6); }
  double share_of_peak() const { return peak_gflops > 0 ? gflops() / peak_gflops : 0; }
  // Without the products that backward makes again: the number to compare between engines.
  double needed_share_of_peak() const {
    return peak_gflops > 0 ? work.needed_flops() / (step_ms * 1e6) / peak_gflops : 0;
  }
  int64_t resident_above_weights() const { return resident_peak - resident_before - weight_bytes; }
  engine::Json to_json(const StepCase& c) const;
};

StepResult run_step(const StepCase& c);

// Milliseconds a step by op, most time first, as a table for the terminal.
std::string profile_table(const StepResult& r);

}  // namespace bench
