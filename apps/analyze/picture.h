// Pictures of an analysis as SVG: a heat map, and lines with their errors. Drawn for light and dark
// pages, in colours that the colour-blind can tell apart, each with a text for screen readers.
#pragma once

#include <string>
#include <vector>

#include "run/analyze/grid.h"

namespace apps {

// A cell a value, darker for larger ones (of both signs: two colours around zero), the number in
// it where there is room.
std::string heat_map(const run::Grid& grid);

struct Series {
  std::string name;
  struct Point {
    double x = 0, y = 0, low = 0, high = 0;  // low and high: the error; both y for one seed
  };
  std::vector<Point> points;
};

struct LineChart {
  std::string title, x_title, y_title;
  bool log_x = false;
  std::vector<Series> series;
};
std::string line_chart(const LineChart& chart);

}  // namespace apps
