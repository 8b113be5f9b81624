// Reading the parts of a tokenizer.json: each is an object with "type" and settings.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace data {

class PartJson {
 public:
  // `what` is the part's name in the file: "normalizer", "decoder".
  PartJson(const nlohmann::json& json, const char* what, const std::string& where)
      : json_(json), what_(what), where_(where) {
    engine::check(json.is_object(), where, what, " should be an object");
    type_ = text("type");
  }

  const std::string& type() const { return type_; }
  const std::string& where() const { return where_; }

  std::string text(const char* key) const {
    const auto& value = at(key);
    engine::check(value.is_string(), where_, what_, " ", type_, ": \"", key, "\" should be text");
    return value.get<std::string>();
  }
  bool flag(const char* key) const {
    const auto& value = at(key);
    engine::check(value.is_boolean(), where_, what_, " ", type_, ": \"", key,
                  "\" should be true or false");
    return value.get<bool>();
  }
  bool flag(const char* key, bool otherwise) const { return has(key) ? flag(key) : otherwise; }
  std::string text(const char* key, const char* otherwise) const {
    return has(key) ? text(key) : otherwise;
  }
  // A whole number in [0, 2^31).
  int32_t number(const char* key) const { return whole_number(at(key), key); }
  const nlohmann::json& at(const char* key) const {
    const auto found = json_.find(key);
    engine::check(found != json_.end(), where_, what_, " ", type_, ": \"", key, "\" is missing");
    return *found;
  }
  bool has(const char* key) const {
    const auto found = json_.find(key);
    return found != json_.end() && !found->is_null();
  }
  const nlohmann::json& list(const char* key) const {
    const auto& value = at(key);
    engine::check(value.is_array(), where_, what_, " ", type_, ": \"", key, "\" should be a list");
    return value;
  }
  int32_t whole_number(const nlohmann::json& value, const char* key) const {
    engine::check(value.is_number_integer() && value >= 0 && value < (int64_t{1} << 31), where_,
                  what_, " ", type_, ": \"", key, "\" should be a whole number, found ",
                  value.dump().substr(0, 60));
    return value.get<int32_t>();
  }
  // One character, as UTF-8.
  std::string character(const char* key) const;

  [[noreturn]] void unknown(const char* known) const {
    engine::fail(where_, what_, " of type '", type_, "' is not known",
                 engine::hint("known are ", known));
  }

 private:
  const nlohmann::json& json_;
  const char* what_;
  const std::string& where_;
  std::string type_;
};

// Sequences may hold sequences; a file that nests them deeper than this is refused.
constexpr int kDeepest = 16;

}  // namespace data
