// peft plan, and the dry run of peft finetune: what a training step costs, without training.
#pragma once

#include <string>

#include "engine/train/pieces.h"

namespace apps {

struct PlanRequest {
  std::string model;     // a folder, a config.json (weights are not needed), or random:...
  std::string strategy;  // empty: all_strategies() are compared
  int num_labels = 0;    // as PlanOptions
  int64_t batch_size = 32;
  int64_t max_length = 0, max_target_length = 0;  // 0: 128, or what the model has if that is less
  int64_t micro_batch_tokens = engine::kPiecesByWidth;
  bool dropout = true;
  int threads = 0;  // 0: all; attention has a tile of scores for each
  bool json = false;
  bool explain = false;  // what `strategy` does to the model, instead of what a step costs
};

// A table, the facts of one strategy, or JSON; or what the strategy does.
std::string plan_answer(const PlanRequest& request);

// `peft plan ARGUMENTS`; argv[0] is the program. Returns the exit code.
int plan_command(int argc, const char* const* argv);

}  // namespace apps
