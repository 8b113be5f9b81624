#include "apps/compare/published.h"

#include "apps/compare/assets.h"
#include "engine/io/json.h"

namespace apps {
namespace {

using engine::Json;

const Json& facts() {
  static const Json json = engine::parse_json(assets::published(), "published.json");
  return json;
}

PublishedRow row_of(const Json& json) {
  PublishedRow row{json.at("name"), json.at("strategy"), json.at("trained"), {}};
  for (const auto& [task, values] : json.at("scores").items()) {
    PublishedScore score{values.at(0).get<double>(), std::nullopt};
    if (values.size() > 1) score.deviation = values.at(1).get<double>();
    row.scores[task] = score;
  }
  return row;
}

}  // namespace

const std::vector<PublishedTable>& published_tables() {
  static const std::vector<PublishedTable> tables = [] {
    std::vector<PublishedTable> out;
    for (const Json& json : facts().at("sources")) {
      PublishedTable table{json.at("paper"),
                           json.at("model"),
                           json.at("split"),
                           json.at("note"),
                           json.at("checked"),
                           {},
                           {}};
      for (const auto& [task, metric] : json.at("metrics").items()) table.metrics[task] = metric;
      for (const Json& row : json.at("rows")) table.rows.push_back(row_of(row));
      out.push_back(std::move(table));
    }
    return out;
  }();
  return tables;
}

std::map<std::string, std::map<std::string, double>> reference_lines(const std::string& task) {
  std::map<std::string, std::map<std::string, double>> out;
  const Json& all = facts().at("references");
  if (!all.contains(task)) return out;
  for (const auto& [name, metrics] : all.at(task).items())
    for (const auto& [metric, value] : metrics.items())
      out[name][metric] = 100 * value.get<double>();
  return out;
}

std::optional<double> reference_score(const std::map<std::string, double>& line,
                                      const std::vector<std::string>& metrics) {
  if (metrics.empty()) return std::nullopt;
  double sum = 0;
  for (const std::string& metric : metrics) {
    const auto it = line.find(metric);
    if (it == line.end()) return std::nullopt;
    sum += it->second;
  }
  return sum / static_cast<double>(metrics.size());
}

}  // namespace apps
