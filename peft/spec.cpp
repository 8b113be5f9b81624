#include "peft/spec.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "engine/base/error.h"
#include "engine/base/nearest.h"
#include "peft/options.h"

namespace peft {
namespace {

using engine::check;
using engine::hint;

// Whether a strategy's name stands at `at`, and then ':', '+' or the end.
bool strategy_at(std::string_view text, size_t at, const std::vector<std::string>& known) {
  return std::any_of(known.begin(), known.end(), [&](const std::string& name) {
    if (text.substr(at, name.size()) != name) return false;
    const size_t end = at + name.size();
    return end == text.size() || text[end] == ':' || text[end] == '+';
  });
}

// Whether "key=" stands at `at`.
bool option_at(std::string_view text, size_t at) {
  size_t i = at;
  while (i < text.size() && (std::islower(static_cast<unsigned char>(text[i])) || text[i] == '_'))
    ++i;
  return i > at && i < text.size() && text[i] == '=';
}

SpecPart parse_part(std::string_view part, std::string_view spec,
                    const std::vector<std::string>& known) {
  SpecPart out;
  const size_t colon = std::min(part.find(':'), part.size());
  out.name = part.substr(0, colon);
  for (size_t begin = 0;
       begin <=
       out.name.size();) {  // "lora+nonsense" is not split, so that the culprit can be named
    const size_t end = std::min(out.name.find('+', begin), out.name.size());
    const std::string name = out.name.substr(begin, end - begin);
    const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
    const std::string near = engine::nearest(name, known);
    check(is_known, "strategy", "there is no strategy '", name, "' (in \"", spec, "\")",
          near.empty() ? "" : ", did you mean " + near + "?",
          hint("known strategies: " + joined(known)));
    begin = end + 1;
  }
  if (colon == part.size()) return out;
  const std::string_view rest = part.substr(colon + 1);
  for (size_t begin = 0; begin < rest.size();) {
    size_t end = rest.find(',', begin);
    while (end != std::string_view::npos && !option_at(rest, end + 1))
      end = rest.find(',', end + 1);
    end = std::min(end, rest.size());
    const std::string_view option = rest.substr(begin, end - begin);
    const size_t equals = option.find('=');
    check(equals != std::string_view::npos && equals > 0 && equals + 1 < option.size(), out.name,
          "'", option, "' is no option (in \"", spec, "\")",
          hint("options are written key=value and separated by commas, for instance "
               "lora:r=8,alpha=16"));
    const std::string key(option.substr(0, equals));
    for (const auto& given : out.options)
      check(given.first != key, out.name, "option '", key, "' is there twice (in \"", spec, "\")");
    out.options.emplace_back(key, option.substr(equals + 1));
    begin = end + 1;
  }
  check(!out.options.empty(), out.name, "no option after ':' (in \"", spec, "\")");
  return out;
}

std::string spell_value(const engine::Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    std::string out;
    for (const auto& item : value) out += (out.empty() ? "" : "+") + spell_value(item);
    return out;
  }
  if (value.is_number_float()) {  // the shortest text that reads back: 8, 0.1
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value.get<double>()).ptr;
    return {buffer, end};
  }
  return value.dump();
}

}  // namespace

std::vector<SpecPart> parse_spec(std::string_view spec, const std::vector<std::string>& known) {
  check(!spec.empty(), "strategy", "the spec is empty", hint("known strategies: " + joined(known)));
  std::vector<SpecPart> parts;
  size_t begin = 0;
  for (size_t plus = spec.find('+'); plus != std::string_view::npos;
       plus = spec.find('+', plus + 1))
    if (strategy_at(spec, plus + 1, known)) {
      parts.push_back(parse_part(spec.substr(begin, plus - begin), spec, known));
      begin = plus + 1;
    }
  parts.push_back(parse_part(spec.substr(begin), spec, known));
  return parts;
}

std::string spell_spec(const std::string& name, const engine::Json& options) {
  std::string out = name;
  char before = ':';
  for (const auto& [key, value] : options.items()) {
    out += before + key + '=' + spell_value(value);
    before = ',';
  }
  return out;
}

}  // namespace peft
