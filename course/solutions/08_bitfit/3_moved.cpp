#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "task.h"

namespace task {

static std::string kind_of(const std::string& name) {
  const std::string start = "encoder.layer.";
  if (name.rfind(start, 0) != 0) return name;
  return name.substr(name.find('.', start.size()) + 1);
}

std::map<std::string, double> mean_change(const Values& before, const Values& after) {
  std::map<std::string, std::pair<double, double>> sums;  // and how many numbers
  for (const auto& [name, values] : before) {
    const auto it = after.find(name);
    if (it == after.end() || it->second.size() != values.size())
      throw std::invalid_argument(name + " is not there afterwards, or has another size");
    auto& [sum, count] = sums[kind_of(name)];
    for (size_t i = 0; i < values.size(); ++i) sum += std::abs(it->second[i] - values[i]);
    count += static_cast<double>(values.size());
  }
  std::map<std::string, double> means;
  for (const auto& [kind, s] : sums) means[kind] = s.first / s.second;
  return means;
}

std::vector<std::string> ranking(const std::map<std::string, double>& changes) {
  std::vector<std::string> kinds;
  for (const auto& [kind, change] : changes) kinds.push_back(kind);
  std::stable_sort(kinds.begin(), kinds.end(), [&](const std::string& a, const std::string& b) {
    return changes.at(a) > changes.at(b);
  });
  return kinds;
}

}  // namespace task
