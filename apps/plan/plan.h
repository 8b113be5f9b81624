// What a training step will cost, without weights and without training: for --dry-run.
//
//   const Plan plan = make_plan(engine::json_file("config.json"), "lora:r=8", {.batch = 32, .length
//   = 128}); std::cout << plan_table({plan}, terminal_width());
//
// BERT's family is planned by the rules of the engine itself, so the products and the bytes kept
// are those that a step with `batch` sequences of `length` tokens counts (engine::counters()), and
// the peak is that of its pool. For LLaMA, which is not executed here yet, they are what the same
// rules would give, and Plan::exact is false.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/counters.h"
#include "engine/io/json.h"
#include "models/config.h"

namespace apps {

struct PlanOptions {
  int64_t batch = 32;    // sequences in a step
  int64_t length = 128;  // tokens of each
  int64_t piece_tokens =
      0;  // computed at a time (engine/train/pieces.h); 0: the whole batch, or kPiecesByWidth
  int num_labels = 0;   // 0: as the config says
  bool dropout = true;  // as the config says, or none
  int threads = 0;      // 0: those in force (attention has a tile of scores for each)
};

struct Plan {
  std::string model_type;
  std::string strategy;  // "lora"
  std::string spec;      // "lora:r=4"
  std::string error;  // why this strategy cannot be used with this model; then nothing else is set
  int64_t base_parameters = 0;   // of the model and its head
  int64_t total_parameters = 0;  // with what the strategy adds
  int64_t trainable_parameters = 0;
  int64_t injected_parameters = 0;
  int64_t head_parameters = 0;
  int64_t batch = 0, length = 0;
  bool exact = true;

  engine::WorkCount forward, input_gradient, weight_gradient;  // matrix products of one step
  double flops() const { return forward.flops + input_gradient.flops + weight_gradient.flops; }

  int64_t weight_bytes = 0;     // frozen ones may stay in the mapped file
  int64_t gradient_bytes = 0;   // of the trainable parameters
  int64_t optimizer_bytes = 0;  // AdamW: two moments
  int64_t pieces = 1;  // that the batch is computed in; the two numbers below are of the largest
  int64_t saved_bytes = 0;  // kept by the forward pass for backward
  int64_t pool_bytes = 0;   // the pool's peak: what is kept and what comes and goes
  int64_t memory_bytes() const {
    return weight_bytes + gradient_bytes + optimizer_bytes + pool_bytes;
  }

  double percent() const;  // trainable of base: 4,194,304 of 6,738,415,616 is 0.0622
  engine::Json to_json() const;
};

// Throws engine::Error for a config or strategy that is wrong in itself, or does not fit the other.
Plan make_plan(const engine::Json& config, std::string_view strategy, const PlanOptions& options,
               const std::string& where = "config.json");
Plan make_plan(const models::ModelConfig& config, std::string_view strategy,
               const PlanOptions& options);

// One plan for each of `strategies`; one that does not fit the model has its `error` set. A wrong
// config still throws.
std::vector<Plan> make_plans(const engine::Json& config, const std::vector<std::string>& strategies,
                             const PlanOptions& options, const std::string& where = "config.json");
// What --dry-run compares when no strategy is chosen: one of each kind, cheapest first.
std::vector<std::string> all_strategies();

// A table of plans of one model, at most `width` columns wide (0: any), under a line about the
// model.
std::string plan_table(const std::vector<Plan>& plans, int width = 0);
// One plan in full, a line a fact.
std::string plan_text(const Plan& plan);
engine::Json plans_json(const std::vector<Plan>& plans);

}  // namespace apps
