// What people ask about predictions, beside the task's own score.
//
// Classes: as scikit-learn defines it with zero_division=0. Macro averages are over the classes
// that are true or predicted at least once. Numbers: as SciPy, and where a correlation is undefined
// (constant values on one side) it is null and "note" says why.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/io/json.h"

namespace tasks {

// {"accuracy", "macro_precision", "macro_recall", "macro_f1", "weighted_f1", "matthews",
//  "majority_class", "majority_accuracy", "classes": [{"label", "precision", "recall", "f1",
//  "support", "predicted"}], "confusion": [[...]], "note"?}
// `predicted` and `truth` are indices into `labels`; confusion[t][p] counts truth t predicted as p.
// "note" is there if one class only is predicted.
engine::Json class_report(std::span<const double> predicted, std::span<const double> truth,
                          const std::vector<std::string>& labels);

// {"pearson", "spearman", "mse", "mae", "r2", "mean_mse", "note"?}; mean_mse is the error of
// predicting the mean of the truth.
engine::Json number_report(std::span<const double> predicted, std::span<const double> truth);

// Several classes at once: {"micro_f1", "macro_f1", "subset_accuracy", "classes": [...]}.
// Both are (examples x labels.size()), 0 or 1.
engine::Json multilabel_report(std::span<const double> predicted, std::span<const double> truth,
                               const std::vector<std::string>& labels);

}  // namespace tasks
