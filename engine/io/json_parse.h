// The one way from text to JSON, with the checks that nlohmann's parser leaves out: bounded depth,
// no key twice. engine/io/json.h is what most callers want.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
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

// Deeper documents are refused: copying and writing one recurses. Real ones have about ten levels.
inline constexpr int kDeepest = 200;

// What came out of a text: the document, or what is wrong with it.
template <class J>
struct Parsed {
  J json = J(J::value_t::discarded);
  std::string problem;  // empty: none
  size_t at = 0;        // the byte of the problem, from 1; 0: not at a byte
};

// Builds a document in one pass (nlohmann's parser with a callback looks at all members of an
// object again for each that it adds). J is Json (keeps the order of keys, finds them by looking at
// each) or nlohmann::json (a map: for thousands of keys).
template <class J>
class Builder {
 public:
  explicit Builder(int deepest) : deepest_(deepest) {}

  // For nlohmann's J::sax_parse. False ends it.
  bool null() { return put(J()); }
  bool boolean(bool value) { return put(J(value)); }
  bool number_integer(typename J::number_integer_t value) { return put(J(value)); }
  bool number_unsigned(typename J::number_unsigned_t value) { return put(J(value)); }
  bool number_float(typename J::number_float_t value, const std::string&) { return put(J(value)); }
  bool string(std::string& value) { return put(J(std::move(value))); }
  bool binary(typename J::binary_t&) { return false; }
  bool start_object(size_t) { return open(J::object()); }
  bool end_object() { return close(); }
  bool start_array(size_t) { return open(J::array()); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (!keys_.back().insert(name).second && parsed_.problem.empty())
      parsed_.problem = "the key \"" + name.substr(0, 200) + "\" is there twice";
    key_ = std::move(name);
    return parsed_.problem.empty();
  }
  template <class Exception>
  bool parse_error(size_t at, const std::string&, const Exception& e) {
    if (!parsed_.problem.empty()) return false;
    parsed_.problem = std::string(e.what()).substr(0, 300);
    parsed_.at = std::max<size_t>(at, 1);
    return false;
  }

  Parsed<J> take() {
    if (!parsed_.problem.empty()) parsed_.json = J(J::value_t::discarded);
    return std::move(parsed_);
  }

 private:
  // A value at its place: the document, the next item of an array, or under the last key.
  J* place(J value) {
    if (open_.empty()) {
      parsed_.json = std::move(value);
      return &parsed_.json;
    }
    J& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    auto& members = parent.template get_ref<typename J::object_t&>();
    if constexpr (std::is_same_v<typename J::object_t::value_type,
                                 std::pair<const std::string, J>> &&
                  requires { members.emplace_back(key_, std::move(value)); }) {
      members.emplace_back(std::move(key_), std::move(value));  // known to be new
      return &members.back().second;
    } else {
      return &members.emplace(std::move(key_), std::move(value)).first->second;
    }
  }
  bool put(J value) {
    place(std::move(value));
    return true;
  }
  bool open(J empty) {
    if (static_cast<int>(open_.size()) >= deepest_) {
      parsed_.problem =
          concat("the JSON is nested deeper than ", deepest_,
                 hint("no file of this kind is; was it damaged, or made to do harm?"));
      return false;
    }
    open_.push_back(place(std::move(empty)));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  int deepest_;
  Parsed<J> parsed_;
  std::vector<J*> open_;                     // the objects and arrays that we are in,
  std::vector<std::set<std::string>> keys_;  // and the keys of each
  std::string key_;
};

template <class J>
Parsed<J> parse(std::string_view text, int deepest = kDeepest) {
  Builder<J> builder(deepest);
  J::sax_parse(text, &builder);
  return builder.take();
}

// The document, or a discarded value if it is not valid JSON, nested too deep, or has a key twice:
// for text that may be something else.
template <class J>
J parse_if_json(std::string_view text) {
  return parse<J>(text).json;
}

template <class J>
J parse_unique(std::string_view text, const std::string& where) {
  Parsed<J> parsed = parse<J>(text);
  if (parsed.problem.empty()) return std::move(parsed.json);
  if (parsed.at == 0) fail(where, parsed.problem);
  fail(where, "not valid JSON at ", position(text, parsed.at),
       hint(text.empty() ? "it is empty: was the file downloaded completely?" : parsed.problem));
}

}  // namespace engine::json_detail
