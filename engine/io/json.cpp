#include "engine/io/json.h"

#include "engine/base/plain_file.h"
#include "engine/io/json_parse.h"

namespace engine {

Json parse_json(std::string_view text, const std::string& where) {
  return json_detail::parse_unique<Json>(text, where);
}

Json json_file(const std::filesystem::path& path) {
  return parse_json(read_plain_file(path), path.string());
}

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string json_found(const Json& value) {
  const auto shown = [&] {
    std::string text = json_text(value);
    if (text.size() > 60) {
      size_t end = 57;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;  // do not cut a character in two
      text.resize(end);
      text += "...";
    }
    return text;
  };
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return shown();
    case Json::value_t::string:
      return "the string " + shown();
    case Json::value_t::array:
      return concat("an array of ", value.size());
    case Json::value_t::object:
      return "an object";
    default:
      return "the number " + shown();
  }
}

namespace json_detail {

void wrong_type(const Json& value, const char* expected, const std::string& what) {
  throw Error(concat(what, " should be ", expected, ", found ", json_found(value)));
}

void missing(const Json& json, const std::string& key, const std::string& where) {
  std::string known;
  for (const auto& item : json.items()) {
    if (known.size() > 200) {
      known += ", ...";
      break;
    }
    known += (known.empty() ? "" : ", ") + item.key();
  }
  fail(where, "\"", key, "\" is missing",
       hint(known.empty() ? "the object is empty" : "it has: " + known));
}

void check_object(const Json& json, const std::string& where) {
  check(json.is_object(), where, "should be an object, found ", json_found(json));
}

}  // namespace json_detail
}  // namespace engine
