#include "peft/patterns.h"

#include <re2/re2.h>

#include "engine/base/error.h"
#include "peft/sites.h"

namespace peft {

using engine::check;
using engine::hint;
using engine::Json;

Patterns::Patterns(const Json& json, double least, double most, const std::string& where,
                   const std::string& key)
    : json_(json) {
  check(json.is_object(), where, key, " is ", json.dump(), "; an object is expected",
        hint("for instance ", key, "={\"v_proj\":16}"));
  for (const auto& [name, value] : json.items()) {
    check(value.is_number() && value.get<double>() >= least && value.get<double>() <= most, where,
          key, " has ", value.dump(), " for ", name, "; a number from ", least, " to ", most,
          " is expected");
    entries_.emplace_back(compile_pattern("(.*\\.)?(" + name + ")", where), value.get<double>());
  }
}

Patterns Patterns::parse(const std::string& text, double least, double most,
                         const std::string& where, const std::string& key) {
  Json json;
  try {
    json = engine::parse_json(text, where);
  } catch (const engine::Error&) {
    engine::fail(where, key, "=", text, " is no JSON",
                 hint("for instance ", key, "={\"v_proj\":16}"));
  }
  return {json, least, most, where, key};
}

double Patterns::at(const std::string& path, double fallback) const {
  for (const auto& [regex, value] : entries_)
    if (re2::RE2::FullMatch(path, *regex)) return value;
  return fallback;
}

}  // namespace peft
