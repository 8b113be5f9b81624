// Charts as inline SVG: a handful of marks, axes with round numbers, and labels that keep out of
// each other's way.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace apps {

struct ChartSeries {
  std::string label;
  int colour = 0;  // index: class "c0", "c1", ... of the page's style sheet
  std::vector<std::pair<double, double>> points;  // (x, y)
  std::vector<double> errors;  // half-length of an error bar for each point, or empty
  bool line = true;            // a line; else dots with the label beside them
  bool faint = false;
};

struct Chart {
  std::string x_title, y_title;
  bool log_x = false;
  std::vector<ChartSeries> series;
};

// "" if there is nothing to draw. Not finite points are left out.
std::string svg(const Chart& chart);

// Round numbers that cover [low, high], about `count` of them.
std::vector<double> round_ticks(double low, double high, int count);
// Text for an HTML page.
std::string html_escape(const std::string& text);

}  // namespace apps
