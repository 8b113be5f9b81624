// Files that are compiled into the program (cmake/Embed.cmake).
#pragma once

#include <string_view>

namespace apps::assets {

std::string_view chart_js();   // Chart.js, MIT licence, as Debian's libjs-chart.js installs it
std::string_view report_js();  // page/report.js
std::string_view report_css();
std::string_view published();  // published.json

}  // namespace apps::assets
