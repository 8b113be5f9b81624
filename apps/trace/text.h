// A traced step as a person reads it in a terminal.
#pragma once

#include <string>

#include "run/trace/step.h"

namespace apps {

// "bert (random:layers=2), bitfit, SST-2: 2 sequences, 16 tokens; 1,234 of 5,678 parameters learn"
std::string trace_title(const run::StepTrace& trace);

// At most `width` columns (0: any).
std::string trace_text(const run::StepTrace& trace, int width);

}  // namespace apps
