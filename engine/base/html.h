// Text in HTML, SVG and Graphviz labels.
#pragma once

#include <string>
#include <string_view>

namespace engine {

// & < > and both quotes as entities.
inline std::string html_escape(std::string_view text) {
  std::string out;
  for (const char ch : text) {
    if (ch == '&')
      out += "&amp;";
    else if (ch == '<')
      out += "&lt;";
    else if (ch == '>')
      out += "&gt;";
    else if (ch == '"')
      out += "&quot;";
    else if (ch == '\'')
      out += "&#39;";
    else
      out += ch;
  }
  return out;
}

}  // namespace engine
