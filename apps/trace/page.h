// The page of a traced step: one HTML file with a slider over the step.
#pragma once

#include <string>
#include <string_view>

#include "run/trace/step.h"

namespace apps {

std::string trace_page(const run::StepTrace& trace);

namespace assets {
std::string_view trace_js();  // page/trace.js
std::string_view trace_css();
}  // namespace assets

}  // namespace apps
