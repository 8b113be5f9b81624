// Our sentences with values of the official programs (tools/goldens/text_metrics.py).
#pragma once

#include <string>
#include <vector>

#include "data/metrics/corpus.h"
#include "engine/io/json.h"
#include "tests/support/paths.h"

namespace testing {

struct GoldenSet {
  std::string name;
  data::metrics::Texts texts;
  engine::Json values;
  double value(const char* key) const { return values.at(key).get<double>(); }
};

inline engine::Json text_metric_goldens() { return engine::json_file(golden("text_metrics.json")); }

inline std::vector<GoldenSet> golden_sets() {
  std::vector<GoldenSet> sets;
  const engine::Json all = text_metric_goldens();
  for (const engine::Json& item : all.at("sets")) {
    GoldenSet set;
    set.name = item.at("name").get<std::string>();
    set.texts.hypotheses = item.at("hypotheses").get<std::vector<std::string>>();
    set.texts.references = item.at("references").get<std::vector<std::vector<std::string>>>();
    set.values = item.at("values");
    sets.push_back(std::move(set));
  }
  return sets;
}

}  // namespace testing
