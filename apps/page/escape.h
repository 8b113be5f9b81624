// Text of a stranger's run in a report. A run.json may hold anything: each format has its own way
// to keep it text.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/html.h"
#include "engine/io/json.h"

namespace apps {

using engine::html_escape;

// plain_text(), at most 300 characters of it, then "...".
std::string clean_text(std::string_view text);
// The same for every key and string of a document.
engine::Json clean_json(const engine::Json& json);

// JSON inside <script type="application/json">: no "<", so nothing can end the element.
std::string script_json(const engine::Json& json);
// Text that Markdown shows as it is: plain if nothing in it means anything, else a code span.
std::string markdown_text(std::string_view text);
// A cell that a spreadsheet takes for text, even if it begins like a formula.
std::string csv_text(std::string_view text);
std::string latex_text(std::string_view text);

}  // namespace apps
