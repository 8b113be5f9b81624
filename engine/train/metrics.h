// The metrics of GLUE, on plain numbers. `predicted` and `truth` have one entry an example: class
// indices (0, 1, ...) for a classification, scores for a regression; they are doubles because
// engine::TokenBatch::labels are.
//
// All throw engine::Error if the lengths differ, if there is no example, or if a value is not
// finite. A value that the formula leaves undefined (0/0) is 0, as scikit-learn and GLUE's own
// scorer have it, and never NaN.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

// Share of examples with predicted == truth.
double accuracy(std::span<const double> predicted, std::span<const double> truth);

// 2 TP / (2 TP + FP + FN) of the class 1; 0 if class 1 is neither predicted nor true.
double f1(std::span<const double> predicted, std::span<const double> truth);

// Matthews' correlation coefficient, for any number of classes (Gorodkin's R_K, which is Matthews'
// for two):
//   (n sum_k C_kk - sum_k p_k t_k) / sqrt((n^2 - sum_k p_k^2) (n^2 - sum_k t_k^2)),
// C the confusion matrix, p_k and t_k how often class k is predicted and true. 0 if either side is
// constant.
double matthews(std::span<const double> predicted, std::span<const double> truth);

// Correlation of the values; 0 if either side is constant (SciPy gives NaN there).
double pearson(std::span<const double> predicted, std::span<const double> truth);

// Pearson's correlation of the ranks; equal values share the mean of their ranks.
double spearman(std::span<const double> predicted, std::span<const double> truth);

// By name: "accuracy", "f1", "matthews", "pearson", "spearman". Throws engine::Error that lists
// them for any other.
double metric(std::string_view name, std::span<const double> predicted,
              std::span<const double> truth);
const std::vector<std::string>& metric_names();

}  // namespace engine
