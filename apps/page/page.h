// An HTML page that is one file: its style, its data and its scripts are in it, and its policy lets
// nothing be loaded and nothing be sent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/io/json.h"

namespace apps {

struct Page {
  std::string title;
  std::string_view style;  // beside page.css
  std::string body;        // HTML
  engine::Json data;       // for the scripts: JSON.parse of the text of the element "data"
  std::vector<std::string_view> scripts;
};

std::string html_page(const Page& page);

namespace assets {
std::string_view page_css();  // page.css
}

}  // namespace apps
