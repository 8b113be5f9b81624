// A comparison in the formats that people and programs read.
#pragma once

#include <string>

#include "apps/compare/summary.h"

namespace apps {

// Strategies by task, every setting of every task, why each costs what it costs, and the runs that
// are not counted. `width` 0: any.
std::string terminal_report(const Summary& summary, int width);
std::string markdown_report(const Summary& summary);
// A row a group, plain numbers (scores from 0 to 1), for programs.
std::string csv_report(const Summary& summary);
// A table for a paper: \usepackage{booktabs}; strategies as rows, tasks as columns.
std::string latex_report(const Summary& summary);
// Hugging Face PEFT's method_comparison: an array of one object a run, each with run_info,
// train_info and meta_info. Fields that have no meaning here are null.
std::string json_report(const Summary& summary);
// One page that needs nothing else: tables, and charts that its script draws from the same numbers.
// Reads the runs' metrics.jsonl; one that is missing or damaged leaves its curve out.
std::string html_report(const Summary& summary);

// "83.49 ± 0.61" (times 100, as GLUE reports), "83.49" for one run, "-" without a score.
std::string score_text(const Statistic& score);
// What the marks and numbers mean, for under a table; a sentence each.
std::vector<std::string> explanations(const Summary& summary);
// How the setting of each cell was chosen, for cells with a choice; a sentence each.
std::vector<std::string> selections(const Summary& summary);

}  // namespace apps
