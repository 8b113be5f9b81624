// Plans as a person reads them.
#pragma once

#include <string>
#include <vector>

#include "run/plan.h"

namespace apps {

// Plans of one model as a table at most `width` columns wide (0: any); one plan, a line a fact.
std::string plan_table(const std::vector<run::Plan>& plans, int width = 0);
std::string plan_text(const run::Plan& plan);

}  // namespace apps
