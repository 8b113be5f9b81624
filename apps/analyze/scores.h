// Scores of many runs against one of their settings, or two: rank of LoRA by roles, size of an
// adapter, length of a prefix, terms of BitFit, number of training examples.
#pragma once

#include <string>
#include <vector>

#include "apps/analyze/picture.h"
#include "apps/compare/runs.h"

namespace apps {

// What a run has under `key`: an option of its strategy (r, roles, size, length, terms, layers), a
// setting of the run (lr, epochs, max_train_samples), or strategy, spec, model, task, trainable,
// examples. Empty if it has none.
std::string value_of(const Run& run, const std::string& key);

struct ScoreTable {
  std::vector<run::Grid> grids;    // one a task and model: rows by `by`, columns by `across`
  std::vector<LineChart> charts;   // of the same order; empty series where `by` are no numbers
  std::vector<std::string> notes;  // what was chosen from what
};

// Where several runs agree in both keys and differ otherwise (learning rates), the setting with the
// best mean over its seeds counts, and a note says so. Throws if no finished run has `by`.
ScoreTable score_table(const std::vector<Run>& runs, const std::string& by,
                       const std::string& across = {});

}  // namespace apps
