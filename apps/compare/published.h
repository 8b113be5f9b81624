// Published scores and scores without a transformer, to set beside ours. The facts and their
// sources are in published.json; everything is times 100.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace apps {

struct PublishedScore {
  double mean = 0;
  std::optional<double> deviation;
};

struct PublishedRow {
  std::string name, strategy, trained;           // "LoRA", "lora", "0.3 M"
  std::map<std::string, PublishedScore> scores;  // by task
};

struct PublishedTable {
  std::string paper, model, split, note;
  bool checked = false;                        // read in the named source
  std::map<std::string, std::string> metrics;  // by task: "mrpc": "f1"
  std::vector<PublishedRow> rows;
};
const std::vector<PublishedTable>& published_tables();

// "majority" and "naive_bayes" on GLUE's dev set, by metric. Empty for other tasks.
std::map<std::string, std::map<std::string, double>> reference_lines(const std::string& task);
// The mean of `metrics` of one of them; nothing unless all are there.
std::optional<double> reference_score(const std::map<std::string, double>& line,
                                      const std::vector<std::string>& metrics);

}  // namespace apps
