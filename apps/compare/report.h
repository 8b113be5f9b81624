// A comparison as a table: for the terminal, Markdown, CSV and HTML.
#pragma once

#include <string>

#include "apps/compare/runs.h"

namespace apps {

// The table, and below it the runs that are not in it. `width` 0: any.
std::string terminal_report(const Comparison& comparison, int width);
std::string markdown_report(const Comparison& comparison);
// A row a group, plain numbers (scores from 0 to 1), for programs.
std::string csv_report(const Comparison& comparison);
// One page that needs nothing else: the table, a chart of score against trainable parameters for
// each task, and the loss of every run. Reads the runs' metrics.jsonl; one that is missing or
// damaged leaves its curve out.
std::string html_report(const Comparison& comparison);

// "83.49 ± 0.61" (times 100, as GLUE reports), "83.49" for one run, "-" without a score.
std::string score_text(const Statistic& score);

}  // namespace apps
