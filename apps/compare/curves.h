// What a run's metrics.jsonl says over time, short enough to draw.
#pragma once

#include <filesystem>
#include <utility>
#include <vector>

namespace apps {

struct Curves {
  // (step, value). The loss is averaged over equal stretches of logged steps, at most 60 of them; a
  // point stands in the middle of its stretch.
  std::vector<std::pair<double, double>> loss;
  std::vector<std::pair<double, double>> score;  // of the dev set, times 100
};

// Empty where the file is missing or damaged: lines that cannot be read are passed over. One pass,
// linear in the size of the file.
Curves read_curves(const std::filesystem::path& metrics);

// Means of at most `most` stretches of equal length (the last ones may be one shorter).
std::vector<std::pair<double, double>> stretches(
    const std::vector<std::pair<double, double>>& points, size_t most);

}  // namespace apps
