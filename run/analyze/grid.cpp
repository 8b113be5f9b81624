#include "run/analyze/grid.h"

#include <algorithm>

namespace run {

size_t Grid::row(const std::string& name) {
  const auto it = std::find(rows.begin(), rows.end(), name);
  if (it != rows.end()) return static_cast<size_t>(it - rows.begin());
  rows.push_back(name);
  values.resize(rows.size() * columns.size(), std::numeric_limits<double>::quiet_NaN());
  return rows.size() - 1;
}

size_t Grid::column(const std::string& name) {
  const auto it = std::find(columns.begin(), columns.end(), name);
  if (it != columns.end()) return static_cast<size_t>(it - columns.begin());
  std::vector<double> wider;
  for (size_t r = 0; r < rows.size(); ++r) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(r * columns.size());
    wider.insert(wider.end(), begin, begin + static_cast<std::ptrdiff_t>(columns.size()));
    wider.push_back(std::numeric_limits<double>::quiet_NaN());
  }
  columns.push_back(name);
  values = std::move(wider);
  return columns.size() - 1;
}

}  // namespace run
