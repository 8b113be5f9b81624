// JSON for configurations and records: parsing and typed fields with errors that a person can act
// on.
//
//   const std::string where = path.string();
//   const Json config = json_file(path);
//   auto hidden = get<int64_t>(config, "hidden_size", where);                 // must be there
//   auto act = get_or<std::string>(config, "hidden_act", "gelu", where);      // may be absent or
//   null
//
// All throw engine::Error, for instance: config.json: "hidden_size" should be an integer, found the
// string "768"
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/base/error.h"

namespace engine {

// Keeps the order of keys, so records read as they were written. Keys are found by looking at each,
// which is slow for an object of ten thousand keys; such a document (a vocabulary) is better read
// into an nlohmann::json.
using Json = nlohmann::ordered_json;

// A whole document; `where` names it in errors, which give line and column. A key that is there
// twice is an error.
Json parse_json(std::string_view text, const std::string& where);
Json json_file(const std::filesystem::path& path);

// One line (indent < 0) or indented. Bytes that are not UTF-8 become U+FFFD, numbers that are not
// finite become null.
std::string json_text(const Json& json, int indent = -1);

// "the string \"768\"", "the number 1.5", "null", "an array of 3", "an object": what was found, for
// messages.
std::string json_found(const Json& value);

namespace json_detail {
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};
[[noreturn]] void wrong_type(const Json& value, const char* expected, const std::string& what);
[[noreturn]] void missing(const Json& json, const std::string& key, const std::string& where);
void check_object(const Json& json, const std::string& where);
}  // namespace json_detail

// The value itself as T: bool, an integer or floating type, std::string, std::vector<T>,
// std::map<std::string, T> or Json. An integer field accepts only whole numbers that fit; a
// floating field accepts any number. `what` opens the message.
template <class T>
T json_as(const Json& value, const std::string& what) {
  using json_detail::wrong_type;
  if constexpr (std::is_same_v<T, Json>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean()) wrong_type(value, "true or false", what);
    return value.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    if (!value.is_number_integer()) wrong_type(value, "an integer", what);
    const bool fits =
        value.is_number_unsigned()
            ? value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<T>::max())
            : std::is_signed_v<T> &&
                  value.get<int64_t>() >= static_cast<int64_t>(std::numeric_limits<T>::min()) &&
                  value.get<int64_t>() <= static_cast<int64_t>(std::numeric_limits<T>::max());
    if (!fits)
      wrong_type(
          value,
          std::is_signed_v<T> ? "an integer of a sensible size" : "an integer that is not negative",
          what);
    return value.get<T>();
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!value.is_number()) wrong_type(value, "a number", what);
    return value.get<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!value.is_string()) wrong_type(value, "a string", what);
    return value.get<std::string>();
  } else if constexpr (json_detail::IsVector<T>::value) {
    if (!value.is_array()) wrong_type(value, "an array", what);
    T items;
    for (size_t i = 0; i < value.size(); ++i)
      items.push_back(json_as<typename T::value_type>(value[i], concat(what, "[", i, "]")));
    return items;
  } else {
    static_assert(json_detail::IsMap<T>::value, "json_as: no such type");
    if (!value.is_object()) wrong_type(value, "an object", what);
    T items;
    for (const auto& [key, item] : value.items())
      items.emplace(key, json_as<typename T::mapped_type>(item, concat(what, "[\"", key, "\"]")));
    return items;
  }
}

// The field `key` of an object, which must be there.
template <class T>
T get(const Json& json, const std::string& key, const std::string& where) {
  json_detail::check_object(json, where);
  const auto it = json.find(key);
  if (it == json.end()) json_detail::missing(json, key, where);
  return json_as<T>(*it, concat(where, ": \"", key, "\""));
}

// The field `key`, or `fallback` if it is absent or null. A value of the wrong type is still an
// error.
template <class T>
T get_or(const Json& json, const std::string& key, std::type_identity_t<T> fallback,
         const std::string& where) {
  json_detail::check_object(json, where);
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) return fallback;
  return json_as<T>(*it, concat(where, ": \"", key, "\""));
}

// Whether the object has the field and it is not null.
inline bool has(const Json& json, const std::string& key) {
  const auto it = json.is_object() ? json.find(key) : json.end();
  return it != json.end() && !it->is_null();
}

}  // namespace engine
