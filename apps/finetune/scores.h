// The scores of an evaluation as a person reads them.
#pragma once

#include <string>

#include "data/task.h"
#include "engine/io/json.h"

namespace apps {

// "dev:  accuracy 0.9100  loss 0.2800  (872 examples)\n" of what Task::score gave.
std::string scores_text(const data::TaskInfo& info, const std::string& split,
                        const engine::Json& scores);
// The report beside it: the majority line, precision, recall and F1 of every class, the confusion
// matrix; for numbers the errors. Lines are indented; "" if there is no report.
std::string report_text(const engine::Json& scores);

// "texts     of 200 of the 547 tables of dev: BLEU 0.3684  NIST 4.1 ...\n", a line for every set of
// tables, of run.json's "text_scores".
std::string text_scores_text(const engine::Json& scores);

}  // namespace apps
