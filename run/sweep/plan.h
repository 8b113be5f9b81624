// What a sweep runs: models x tasks x strategies x learning rates x seeds, as settings of finetune.
//
//   {"models": ["minilm"],
//    "tasks": ["sst2", {"task": "mrpc", "epochs": 4}],
//    "strategies": ["frozen", {"strategy": "lora", "lr": [5e-4, 2e-3]}],
//    "lr": [1e-3, 5e-3], "seeds": [1, 2, 3],
//    "settings": {"data": "glue", "epochs": 3},
//    "select": {"checkpoint": "last"}}
//
// An item of models, tasks and strategies is its name, or an object of finetune's flags (with '_')
// that hold for its runs. A later one wins: settings, model, task, strategy, then rate and seed.
// Without "lr" anywhere, finetune chooses by strategy and model. "checkpoint": "best" scores the
// parameters of the best evaluation on the dev set, "last" those at the end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/json.h"

namespace run {

struct SweepRun {
  std::string name;  // of its folder: "minilm-sst2-lora-0.002-1"
  std::string cell;  // the same without rate and seed
  std::optional<double> lr;
  size_t rate = 0, seed = 0;  // indices into the cell's rates and the plan's seeds
  engine::Json settings;      // finetune's, with '_', without "out"

  // Flags of finetune: {"--task", "sst2", ...}.
  std::vector<std::string> flags() const;
};

struct SweepPlan {
  engine::Json json;           // as it was given
  std::vector<SweepRun> runs;  // ordered: seed by seed, in it rate by rate, in it cell by cell
  size_t seeds = 0;
};

// Throws engine::Error that names the place in the plan and what it should be.
SweepPlan read_plan(const engine::Json& json, const std::string& where);

}  // namespace run
