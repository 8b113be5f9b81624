// A table of numbers with names on both sides: what an analysis finds, to be printed or drawn.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace run {

struct Grid {
  std::string title;      // "mean absolute change of every bias"
  std::string unit;       // of the values, for people; may be empty
  std::string row_title;  // what the rows are: "bias"
  std::string column_title;
  std::vector<std::string> rows, columns;
  std::vector<double> values;  // (rows x columns), NaN where there is none

  double at(size_t row, size_t column) const { return values[row * columns.size() + column]; }
  double& at(size_t row, size_t column) { return values[row * columns.size() + column]; }

  // A row or column by its name, added behind the others if there is none.
  size_t row(const std::string& name);
  size_t column(const std::string& name);
};

}  // namespace run
