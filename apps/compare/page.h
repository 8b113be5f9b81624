// The parts of the HTML page: page.cpp writes the tables, page_data.cpp the numbers that
// page/report.js draws.
#pragma once

#include <string>
#include <vector>

#include "apps/compare/summary.h"
#include "engine/io/json.h"

namespace apps {

// {"tasks": [{"name", "metric", "rows": [...], "frontiers", "references"}], "average": [...]}.
// Reads the metrics.jsonl of the chosen runs. Scores are times 100; products are FLOPs for a
// training token.
engine::Json page_data(const Summary& summary);

// The class of a strategy's colour, one of a fixed set: "s-lora", "s-other".
std::string colour_class(const std::string& strategy);
// How rows of one colour are told apart (shape, dash): 0, 1, ... among the rows of a strategy.
std::vector<int> variants(const Summary& summary);
// "lora:r=8", with the model's name where there are several.
std::string row_label(const Summary& summary, const Row& row);
// "minilm" of "/models/minilm".
std::string short_model(const std::string& model);

}  // namespace apps
