// Private to engine/io: parsing with the checks that nlohmann's parser leaves out.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace engine::json_detail {

// "line 3, column 7" of a parser's position, which counts bytes from 1.
inline std::string position(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte > 0 ? byte - 1 : 0, text.size()));
  const size_t start = before.rfind('\n');
  return concat("line ", std::count(before.begin(), before.end(), '\n') + 1, ", column ",
                before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1);
}

// J is Json (keeps the order of keys, finds them by looking at each) or nlohmann::json (a map: for
// thousands of keys).
template <class J>
J parse_unique(std::string_view text, const std::string& where) {
  std::vector<std::set<std::string>> open;  // the keys of every object we are in
  std::string twice;
  const auto watch = [&](int, typename J::parse_event_t event, J& parsed) {
    if (event == J::parse_event_t::object_start) open.emplace_back();
    if (event == J::parse_event_t::object_end) open.pop_back();
    if (event == J::parse_event_t::key && twice.empty()) {
      const auto& key = parsed.template get_ref<const std::string&>();
      if (!open.back().insert(key).second) twice = key;
    }
    return true;
  };
  try {
    J json = J::parse(text, watch);
    check(twice.empty(), where, "the key \"", twice.substr(0, 200), "\" is there twice");
    return json;
  } catch (const typename J::parse_error& e) {
    const std::string words = std::string(e.what()).substr(0, 300);
    fail(where, "not valid JSON at ", position(text, e.byte),
         hint(text.empty() ? "it is empty: was the file downloaded completely?" : words));
  } catch (const typename J::exception& e) {  // a number that does not fit
    fail(where, "not valid JSON", hint(std::string(e.what()).substr(0, 300)));
  }
}

}  // namespace engine::json_detail
