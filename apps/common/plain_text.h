// Text from elsewhere (data, models, records) as it may go to a terminal.
#pragma once

#include <string>
#include <string_view>

namespace apps {

// Valid UTF-8 without control characters (terminal escapes, line breaks), invisible ones that turn
// the direction of writing, or line separators; each becomes a space, except those in `keep`.
std::string plain_text(std::string_view text, std::string_view keep = "");

}  // namespace apps
