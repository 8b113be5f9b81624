#include "apps/compare/chart.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "apps/common/format.h"

namespace apps {
namespace {

constexpr double kWidth = 760, kHeight = 340, kLeft = 62, kRight = 20, kTop = 16, kBottom = 50;

struct Box {
  double left, top, right, bottom;
  bool meets(const Box& o) const {
    return left < o.right && o.left < right && top < o.bottom && o.top < bottom;
  }
};

struct Scale {
  double low, high, from, to;
  bool logarithmic;
  double operator()(double v) const {
    const auto u = [this](double x) { return logarithmic ? std::log10(x) : x; };
    return from + (u(v) - u(low)) / (u(high) - u(low)) * (to - from);
  }
};

// "10k", "1.5M" on a logarithmic axis; plain otherwise.
std::string tick_text(double v, bool logarithmic) {
  if (!logarithmic)
    return std::abs(v) >= 1e4 ? format_count(std::llround(v)) : format_significant(v, 4);
  for (const auto& [size, unit] :
       {std::pair<double, const char*>{1e9, "B"}, {1e6, "M"}, {1e3, "k"}})
    if (v >= size) return format_significant(v / size, 3) + unit;
  return format_significant(v, 3);
}

bool usable(const Chart& chart, const std::pair<double, double>& p) {
  return std::isfinite(p.first) && std::isfinite(p.second) && (!chart.log_x || p.first > 0);
}

}  // namespace

std::string html_escape(const std::string& text) {
  std::string out;
  for (const char ch : text) {
    switch (ch) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += ch;
    }
  }
  return out;
}

std::vector<double> round_ticks(double low, double high, int count) {
  const double span = std::max(high - low, 1e-12), rough = span / std::max(1, count);
  const double power = std::pow(10, std::floor(std::log10(rough))), digit = rough / power;
  const double step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  for (int i = 0; i < 100; ++i) {
    ticks.push_back((first + i) * step);
    if (ticks.back() >= high - 1e-9 * span) break;
  }
  return ticks;
}

std::string svg(const Chart& chart) {
  double x0 = 1e300, x1 = -1e300, y0 = 1e300, y1 = -1e300;
  for (const ChartSeries& s : chart.series)
    for (size_t i = 0; i < s.points.size(); ++i) {
      if (!usable(chart, s.points[i])) continue;
      const double error = i < s.errors.size() ? s.errors[i] : 0;
      x0 = std::min(x0, s.points[i].first);
      x1 = std::max(x1, s.points[i].first);
      y0 = std::min(y0, s.points[i].second - error);
      y1 = std::max(y1, s.points[i].second + error);
    }
  if (x0 > x1) return "";
  if (y1 - y0 < 1e-9) y0 -= 0.5, y1 += 0.5;
  const std::vector<double> ys = round_ticks(y0, y1, 5);
  std::vector<double> xs;
  if (chart.log_x) {
    const double from = std::floor(std::log10(x0) - 0.05),
                 to = std::max(from + 1, std::ceil(std::log10(x1) + 0.05));
    for (double e = from; e <= to; ++e) xs.push_back(std::pow(10, e));
  } else {
    xs = round_ticks(std::min(x0, 0.0), std::max(x1, x0 + 1), 6);
    if (xs.back() > x1 && xs.size() > 2) xs.pop_back();  // the axis ends where the data do
  }
  const Scale x{xs.front(), std::max(x1, xs.back()), kLeft, kWidth - kRight, chart.log_x},
      y{ys.front(), ys.back(), kHeight - kBottom, kTop, false};

  std::ostringstream out;
  out << "<svg viewBox=\"0 0 " << kWidth << ' ' << kHeight << "\" role=\"img\" aria-label=\""
      << html_escape(chart.y_title + " against " + chart.x_title) << "\">\n";
  for (const double v : ys)
    out << "<line class=\"grid\" x1=\"" << kLeft << "\" x2=\"" << kWidth - kRight << "\" y1=\""
        << y(v) << "\" y2=\"" << y(v) << "\"/><text class=\"tick\" text-anchor=\"end\" x=\""
        << kLeft - 8 << "\" y=\"" << y(v) + 4 << "\">" << tick_text(v, false) << "</text>\n";
  for (const double v : xs)
    out << "<line class=\"grid\" x1=\"" << x(v) << "\" x2=\"" << x(v) << "\" y1=\"" << kTop
        << "\" y2=\"" << kHeight - kBottom << "\"/><text class=\"tick\" text-anchor=\"middle\" x=\""
        << x(v) << "\" y=\"" << kHeight - kBottom + 18 << "\">" << tick_text(v, chart.log_x)
        << "</text>\n";
  out << "<text class=\"axis\" text-anchor=\"middle\" x=\"" << (kLeft + kWidth - kRight) / 2
      << "\" y=\"" << kHeight - 8 << "\">" << html_escape(chart.x_title)
      << "</text><text class=\"axis\" text-anchor=\"middle\" transform=\"translate(14 "
      << (kTop + kHeight - kBottom) / 2 << ") rotate(-90)\">" << html_escape(chart.y_title)
      << "</text>\n";

  std::vector<Box> taken;
  for (const ChartSeries& s : chart.series)
    if (!s.line)
      for (const auto& p : s.points)
        if (usable(chart, p))
          taken.push_back({x(p.first) - 5, y(p.second) - 5, x(p.first) + 5, y(p.second) + 5});
  for (const ChartSeries& s : chart.series) {
    if (s.line) {
      std::ostringstream path;
      int drawn = 0;
      for (const auto& p : s.points)
        if (usable(chart, p))
          path << (drawn++ ? " L" : "M") << format_number(x(p.first), 1) << ' '
               << format_number(y(p.second), 1);
      if (drawn > 0)
        out << "<path class=\"line c" << s.colour << (s.faint ? " faint" : "") << "\" d=\""
            << path.str() << "\"><title>" << html_escape(s.label) << "</title></path>\n";
      continue;
    }
    for (size_t i = 0; i < s.points.size(); ++i) {
      if (!usable(chart, s.points[i])) continue;
      const double px = x(s.points[i].first), py = y(s.points[i].second);
      if (i < s.errors.size() && s.errors[i] > 0)
        out << "<line class=\"bar c" << s.colour << "\" x1=\"" << px << "\" x2=\"" << px
            << "\" y1=\"" << y(s.points[i].second - s.errors[i]) << "\" y2=\""
            << y(s.points[i].second + s.errors[i]) << "\"/>";
      out << "<circle class=\"dot c" << s.colour << "\" cx=\"" << px << "\" cy=\"" << py
          << "\" r=\"5\"><title>" << html_escape(s.label) << ": "
          << tick_text(s.points[i].first, true) << ", " << format_number(s.points[i].second, 2)
          << "</title></circle>\n";
      // The first place of right, left, above, below and farther that is free and inside.
      const double w = 6.6 * display_width(s.label), h = 13;
      const std::pair<double, double> places[] = {
          {px + 9, py + 4},      {px - 9 - w, py + 4},  {px - w / 2, py - 10},
          {px - w / 2, py + 20}, {px + 9, py - 10},     {px + 9, py + 18},
          {px - 9 - w, py - 10}, {px - 9 - w, py + 18}, {px - w / 2, py - 26},
          {px - w / 2, py + 36}, {px + 9, py - 24},     {px + 9, py + 32}};
      for (const auto& [lx, ly] : places) {
        const Box box{lx, ly - h + 2, lx + w, ly + 3};
        if (box.left < kLeft || box.right > kWidth || box.top < 0 || box.bottom > kHeight - kBottom)
          continue;
        if (std::any_of(taken.begin(), taken.end(),
                        [&](const Box& other) { return other.meets(box); }))
          continue;
        taken.push_back(box);
        out << "<text class=\"label\" x=\"" << lx << "\" y=\"" << ly << "\">"
            << html_escape(s.label) << "</text>\n";
        break;
      }
    }
  }
  out << "</svg>\n";
  return out.str();
}

}  // namespace apps
