// The state of a training run, from which it continues bit for bit: trainable values, the
// optimizer's moments, and where in the data it was. Frozen values are not in it, so a BitFit run's
// state is a few hundred kilobytes.
//
// One file, written atomically, in the safetensors format: the blocks "values" and "moment.<name>",
// the counters as JSON in the metadata, and an XXH3-128 checksum of everything as the last tensor.
// Only this file's own build of Scalar reads it: a state written in float is refused in double.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/json.h"
#include "engine/nn/parameter_store.h"

namespace engine {

struct TrainingState {
  int64_t step = 0;             // training steps finished
  int64_t epoch = 0;            // epoch in progress, from 0
  int64_t batch = 0;            // batches of that epoch already used
  std::string optimizer;        // Optimizer::name(); another one cannot read these moments
  int64_t optimizer_steps = 0;  // Optimizer::steps()
  std::optional<double> best_metric;
  // What the program wants to find again: settings, seeds, best step.
  Json app = Json::object();
};

// The optimizer's moments: Optimizer::state() fits.
using StateBlocks = std::vector<std::pair<std::string, std::span<Scalar>>>;

void save_training_state(const std::filesystem::path& file, const TrainingState& state,
                         const ParameterStore& store, const StateBlocks& moments);

// Fills the store's trainable block and the moments in place. Throws, before anything is changed,
// if the file is damaged or if parameters (names, dims, order), moments, optimizer or scalar type
// are not those of the store. `optimizer` is the name that the run has now.
TrainingState load_training_state(const std::filesystem::path& file, const std::string& optimizer,
                                  ParameterStore& store, const StateBlocks& moments);

// The counters alone (checked against damage as well), to learn where a run stands.
TrainingState read_training_state(const std::filesystem::path& file);

}  // namespace engine
