#include "apps/analyze/picture.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/page/escape.h"

namespace apps {
namespace {

std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// Three significant digits, short.
std::string short_number(double value) {
  char text[64];
  const double size = std::abs(value);
  std::snprintf(text, sizeof text, size != 0 && (size < 1e-3 || size >= 1e5) ? "%.1e" : "%.3g",
                value);
  return text;
}

std::string element(double x, double y, const std::string& text, const char* more) {
  return "<text x='" + number(x, 1) + "' y='" + number(y, 1) + "' " + more + ">" +
         html_escape(text) + "</text>\n";
}

std::string open_svg(double width, double height, const std::string& title) {
  return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + number(width, 0) + " " +
         number(height, 0) + "' width='" + number(width, 0) + "' height='" + number(height, 0) +
         "' role='img' font-family='system-ui,sans-serif' font-size='12'>\n<title>" +
         html_escape(title) +
         "</title>\n<style>text{fill:#222}.line{stroke:#888}.page{fill:#fff}"
         "@media(prefers-color-scheme:dark){text{fill:#ddd}.page{fill:#16181c}}"
         ".on-dark{fill:#fff}.on-light{fill:#111}</style>\n<rect class='page' width='100%' "
         "height='100%'/>\n" +
         element(12, 20, title, "font-weight='600' font-size='14'");
}

struct Colour {
  int r, g, b;
};
// White to blue for above zero, white to orange below.
Colour colour_of(double share) {
  const Colour end = share >= 0 ? Colour{0, 68, 136} : Colour{178, 90, 0};
  const double t = std::sqrt(std::min(1.0, std::abs(share)));
  const auto mix = [&](int to) { return static_cast<int>(255 + t * (to - 255)); };
  return {mix(end.r), mix(end.g), mix(end.b)};
}

// Okabe and Ito 2008.
constexpr const char* kPalette[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                    "#56b4e9", "#d55e00", "#8a8a00", "#777777"};

size_t longest(const std::vector<std::string>& names) {
  size_t most = 0;
  for (const std::string& name : names) most = std::max(most, name.size());
  return most;
}

// About five round values from `low` to `high`.
std::vector<double> ticks(double low, double high) {
  const double raw = (high - low) / 5;
  if (!(raw > 0)) return {low};
  double step = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0})
    if (step * factor >= raw) {
      step *= factor;
      break;
    }
  std::vector<double> out;
  for (double at = std::ceil(low / step) * step; at <= high + step * 1e-9; at += step)
    out.push_back(std::abs(at) < step * 1e-9 ? 0 : at);
  return out;
}

}  // namespace

std::string heat_map(const run::Grid& grid) {
  double most = 0;
  for (const double value : grid.values)
    if (std::isfinite(value)) most = std::max(most, std::abs(value));
  const double left =
      24 + 6.6 * static_cast<double>(std::max(longest(grid.rows), grid.row_title.size()));
  const bool numbers = grid.columns.size() <= 16;
  const double wide = numbers ? std::max(52.0, 7.5 * static_cast<double>(longest(grid.columns)))
                              : std::max(6.0, 640.0 / static_cast<double>(grid.columns.size()));
  const double high = numbers || grid.rows.size() <= 32
                          ? 24
                          : std::max(6.0, 480.0 / static_cast<double>(grid.rows.size()));
  const double top = 62, width = left + wide * static_cast<double>(grid.columns.size()) + 16;
  const double height = top + high * static_cast<double>(grid.rows.size()) + 30;
  std::string out = open_svg(std::max(width, 14 + 8.2 * static_cast<double>(grid.title.size())),
                             height, grid.title);
  out += element(12, top - 6, grid.row_title, "font-size='11'");
  out += element(left, top - 22, grid.column_title, "font-size='11'");
  // Not every name fits: at most 20 of the columns and as many rows as there is height for.
  const size_t every_column = (grid.columns.size() + 19) / 20;
  const size_t every_row = high >= 14 ? 1 : static_cast<size_t>(std::ceil(14 / high));
  for (size_t c = 0; c < grid.columns.size(); c += every_column)
    out += element(left + wide * (static_cast<double>(c) + 0.5), top - 6, grid.columns[c],
                   "text-anchor='middle' font-size='11'");
  for (size_t r = 0; r < grid.rows.size(); ++r) {
    const double y = top + high * static_cast<double>(r);
    if (r % every_row == 0)
      out += element(left - 8, y + high / 2 + 4, grid.rows[r], "text-anchor='end' font-size='11'");
    for (size_t c = 0; c < grid.columns.size(); ++c) {
      const double value = grid.at(r, c);
      if (!std::isfinite(value)) continue;
      const double share = most > 0 ? value / most : 0;
      const Colour colour = colour_of(share);
      const double x = left + wide * static_cast<double>(c);
      char fill[16];
      std::snprintf(fill, sizeof fill, "#%02x%02x%02x", colour.r, colour.g, colour.b);
      out += "<rect x='" + number(x, 1) + "' y='" + number(y, 1) + "' width='" +
             number(wide - 1, 1) + "' height='" + number(high - 1, 1) + "' fill='" + fill +
             "'><title>" + html_escape(grid.rows[r] + ", " + grid.columns[c] + ": ") +
             short_number(value) + "</title></rect>\n";
      if (numbers)
        out += element(x + wide / 2, y + high / 2 + 4, short_number(value),
                       std::abs(share) > 0.35
                           ? "class='on-dark' text-anchor='middle' font-size='11'"
                           : "class='on-light' text-anchor='middle' font-size='11'");
    }
  }
  out += element(12, height - 10, grid.unit, "font-size='11'");
  return out + "</svg>\n";
}

std::string line_chart(const LineChart& chart) {
  double x_low = 1e300, x_high = -1e300, y_low = 1e300, y_high = -1e300;
  const auto place = [&](double x) { return chart.log_x ? std::log10(x) : x; };
  for (const Series& series : chart.series)
    for (const Series::Point& p : series.points) {
      x_low = std::min(x_low, place(p.x));
      x_high = std::max(x_high, place(p.x));
      y_low = std::min({y_low, p.y, p.low});
      y_high = std::max({y_high, p.y, p.high});
    }
  if (x_high <= x_low) {
    x_low -= 0.5;
    x_high += 0.5;
  }
  const double margin = y_high > y_low ? 0.08 * (y_high - y_low) : 0.5;
  y_low -= margin;
  y_high += margin;
  const double left = 64, top = 40, width = 720, plot = 470, tall = 300;
  const double height = top + tall + 62;
  const auto px = [&](double x) { return left + plot * (place(x) - x_low) / (x_high - x_low); };
  const auto py = [&](double y) { return top + tall * (1 - (y - y_low) / (y_high - y_low)); };
  std::string out = open_svg(width, height, chart.title);
  for (const double y : ticks(y_low, y_high)) {
    out += "<line class='line' stroke-opacity='.3' x1='" + number(left, 1) + "' x2='" +
           number(left + plot, 1) + "' y1='" + number(py(y), 1) + "' y2='" + number(py(y), 1) +
           "'/>\n" +
           element(left - 6, py(y) + 4, short_number(y), "text-anchor='end' font-size='11'");
  }
  std::vector<double> at;
  for (const Series& series : chart.series)
    for (const Series::Point& p : series.points) at.push_back(p.x);
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());
  double last = -1e9;
  for (const double x : at) {  // the values that were measured, where their names do not touch
    if (px(x) - last < 40) continue;
    last = px(x);
    out += element(last, top + tall + 18, short_number(x), "text-anchor='middle' font-size='11'");
  }
  out += element(left + plot / 2, top + tall + 40, chart.x_title, "text-anchor='middle'");
  out += element(12, top - 6, chart.y_title, "font-size='11'");
  for (size_t s = 0; s < chart.series.size(); ++s) {
    const std::string colour = kPalette[s % std::size(kPalette)];
    std::string path;
    for (const Series::Point& p : chart.series[s].points) {
      path += number(px(p.x), 1) + "," + number(py(p.y), 1) + " ";
      out += "<line stroke='" + colour + "' x1='" + number(px(p.x), 1) + "' x2='" +
             number(px(p.x), 1) + "' y1='" + number(py(p.low), 1) + "' y2='" +
             number(py(p.high), 1) + "'/><circle fill='" + colour + "' r='3.5' cx='" +
             number(px(p.x), 1) + "' cy='" + number(py(p.y), 1) + "'><title>" +
             html_escape(chart.series[s].name) + ", " + short_number(p.x) + ": " +
             short_number(p.y) + "</title></circle>\n";
    }
    out += "<polyline fill='none' stroke-width='1.6' stroke='" + colour + "' points='" + path +
           "'/>\n";
    const double y = top + 14 + 18 * static_cast<double>(s);
    out += "<rect x='" + number(left + plot + 18, 1) + "' y='" + number(y - 9, 1) +
           "' width='12' height='10' fill='" + colour + "'/>" +
           element(left + plot + 36, y, chart.series[s].name, "font-size='11'");
  }
  return out + "</svg>\n";
}

}  // namespace apps
