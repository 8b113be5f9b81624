#include "apps/compare/curves.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/json_parse.h"

namespace apps {
namespace {

constexpr size_t kMostPoints = 60;
constexpr size_t kLongestLine = 1 << 20;  // a line of ours has some hundred bytes

void read_line(const std::string& text, Curves& curves) {
  const auto line = engine::json_detail::parse_if_json<nlohmann::json>(text);
  if (!line.is_object() || !line.contains("step") || !line["step"].is_number()) return;
  const double step = line["step"].get<double>();
  if (line.contains("loss") && line["loss"].is_number())
    curves.loss.emplace_back(step, line["loss"].get<double>());
  if (!line.contains("eval") || !line["eval"].is_object()) return;
  double sum = 0;
  int count = 0;
  for (const auto& [split, values] : line["eval"].items())
    if (split.starts_with("dev") && values.is_object() && values.contains("score") &&
        values["score"].is_number()) {
      sum += values["score"].get<double>();
      ++count;
    }
  if (count > 0 && std::isfinite(sum)) curves.score.emplace_back(step, 100 * sum / count);
}

}  // namespace

std::vector<std::pair<double, double>> stretches(
    const std::vector<std::pair<double, double>>& points, size_t most) {
  if (points.size() <= most) return points;
  std::vector<std::pair<double, double>> out;
  for (size_t i = 0; i < most; ++i) {
    const size_t begin = i * points.size() / most, end = (i + 1) * points.size() / most;
    std::pair<double, double> mean{0, 0};
    for (size_t j = begin; j < end; ++j) {
      mean.first += points[j].first / static_cast<double>(end - begin);
      mean.second += points[j].second / static_cast<double>(end - begin);
    }
    out.push_back(mean);
  }
  return out;
}

Curves read_curves(const std::filesystem::path& metrics) {
  Curves curves;
  std::error_code error;
  if (!std::filesystem::is_regular_file(metrics, error)) return curves;
  std::ifstream in(metrics, std::ios::binary);
  std::vector<char> buffer(1 << 16);
  std::string line;
  bool too_long = false;
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    for (std::streamsize i = 0; i < in.gcount(); ++i) {
      const char ch = buffer[static_cast<size_t>(i)];
      if (ch == '\n') {
        if (!too_long) read_line(line, curves);
        line.clear();
        too_long = false;
      } else if (line.size() < kLongestLine) {
        line += ch;
      } else {
        too_long = true;
      }
    }
  }
  curves.loss = stretches(curves.loss, kMostPoints);
  curves.score = stretches(curves.score, kMostPoints);
  return curves;
}

}  // namespace apps
