#include "apps/page/escape.h"

#include <algorithm>
#include <cctype>

#include "apps/common/plain_text.h"

namespace apps {
namespace {

constexpr size_t kLongest = 300;  // characters of one text

}  // namespace

std::string clean_text(std::string_view text) {
  std::string out = plain_text(text);
  size_t characters = 0;
  for (size_t at = 0; at < out.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(out[at]) & 0xC0) != 0x80;
    if (begins && ++characters > kLongest) return out.substr(0, at) + "...";
  }
  return out;
}

engine::Json clean_json(const engine::Json& json) {
  if (json.is_string()) return clean_text(json.get_ref<const std::string&>());
  if (json.is_array()) {
    engine::Json out = engine::Json::array();
    for (const engine::Json& item : json) out.push_back(clean_json(item));
    return out;
  }
  if (!json.is_object()) return json;
  engine::Json out = engine::Json::object();
  for (const auto& [key, value] : json.items()) out[clean_text(key)] = clean_json(value);
  return out;
}

std::string script_json(const engine::Json& json) {
  std::string out;
  for (const char ch : engine::json_text(json)) {
    if (ch == '<')
      out += "\\u003c";
    else
      out += ch;
  }
  return out;
}

std::string markdown_text(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char ch) {
    return std::isalnum(static_cast<unsigned char>(ch)) || (ch & 0x80) != 0 ||
           std::string_view(" ,.;=+/%()±-").find(ch) != std::string_view::npos;
  });
  // A bare address becomes a link without a mark, and a leading sign or number makes a list.
  const bool starts = !text.empty() && (std::isalnum(static_cast<unsigned char>(text[0])) ||
                                        text[0] == '/' || (text[0] & 0x80) != 0);
  const bool list = text.find_first_not_of("0123456789") != std::string_view::npos &&
                    (text[text.find_first_not_of("0123456789")] == '.' ||
                     text[text.find_first_not_of("0123456789")] == ')');
  if (text == "-" || (plain && starts && !list && text.find("www.") == std::string_view::npos) ||
      text.empty())
    return std::string(text);
  std::string out = "`";
  for (const char ch : text) {
    if (ch == '|')
      out += "\\|";
    else
      out += ch == '`' ? '\'' : ch;
  }
  return out + "`";
}

std::string csv_text(std::string_view text) {
  // A leading blank does not stop a spreadsheet from looking for a formula.
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos &&
      std::string_view("=+-@").find(text[first]) != std::string_view::npos)
    return "'" + std::string(text);
  return std::string(text);
}

std::string latex_text(std::string_view text) {
  std::string out;
  for (const char ch : text) {
    switch (ch) {
      case '\\':
        out += "\\textbackslash{}";
        break;
      case '~':
        out += "\\textasciitilde{}";
        break;
      case '^':
        out += "\\textasciicircum{}";
        break;
      case '<':
        out += "\\textless{}";
        break;
      case '>':
        out += "\\textgreater{}";
        break;
      case '|':
        out += "\\textbar{}";
        break;
      case '{':
      case '}':
      case '$':
      case '&':
      case '#':
      case '_':
      case '%':
        out += '\\';
        [[fallthrough]];
      default:
        out += ch;
    }
  }
  return out;
}

}  // namespace apps
