// Numbers and matrices as text, for the programs of the chapters. Independent of the engine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace course {

// A number that the chapter's text states: the checker compares it with what stands before
// <!--=name--> there.
inline void fact(const char* name, double value) { std::printf("\001%s %.12g\n", name, value); }

// printf without the fear of a minus zero: -0.000 is written 0.000.
inline double plain(double v, int digits = 4) {
  const double smallest = 0.5 * std::pow(10.0, -digits);
  return std::abs(v) < smallest ? 0.0 : v;
}

// Rows under one another. `at(r, c)` is the element.
template <class At>
void show(const char* name, long rows, long cols, At&& at, int digits = 3) {
  std::printf("%s (%ld x %ld)\n", name, rows, cols);
  for (long r = 0; r < rows; ++r) {
    std::printf(" ");
    for (long c = 0; c < cols; ++c)
      std::printf(" %*.*f", digits + 4, digits, plain(static_cast<double>(at(r, c)), digits));
    std::printf("\n");
  }
}

// A map of shades: a blank for 0, the fullest block for `most`.
template <class At>
void shades(const std::vector<std::string>& rows, const std::vector<std::string>& cols, At&& at,
            double most = 1) {
  static const char* const kShades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
  size_t width = 0;
  for (const std::string& row : rows) width = std::max(width, row.size());
  for (size_t r = 0; r < rows.size(); ++r) {
    std::printf("%*s  ", static_cast<int>(width), rows[r].c_str());
    for (size_t c = 0; c < cols.size(); ++c) {
      const double share =
          static_cast<double>(at(static_cast<long>(r), static_cast<long>(c))) / most;
      const int level = share <= 0.02  ? 0
                        : share < 0.25 ? 1
                        : share < 0.5  ? 2
                        : share < 0.75 ? 3
                                       : 4;
      std::printf("%s", kShades[level]);
    }
    std::printf("|\n");
  }
  std::printf("%*s  ", static_cast<int>(width), "");
  for (const std::string& col : cols) std::printf("%-2.2s", col.c_str());
  std::printf("\n");
}

}  // namespace course
