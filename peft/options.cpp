#include "peft/options.h"

#include <algorithm>

#include "engine/base/nearest.h"
#include "engine/base/number.h"

namespace peft {

using engine::check;
using engine::fail;
using engine::hint;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::vector<engine::Role> roles_from_names(const std::vector<std::string>& names) {
  using engine::Role;
  std::vector<Role> roles;
  for (const auto& name : names)
    for (const Role role :
         {Role::query, Role::key, Role::value, Role::attention_output, Role::attention_norm,
          Role::ffn_in, Role::ffn_gate, Role::ffn_out, Role::ffn_norm, Role::final_norm,
          Role::embedding_norm, Role::pooler, Role::lm_head})
      if (name == engine::role_name(role)) roles.push_back(role);
  return roles;
}

Options::Options(const StrategyInfo& info, const SpecPart& part) : info_(info), part_(part) {
  for (const auto& [key, value] : part.options) {
    const bool known = std::any_of(info.options.begin(), info.options.end(),
                                   [&](const OptionInfo& o) { return o.name == key; });
    if (known) continue;
    std::vector<std::string> names;
    for (const auto& option : info.options) names.push_back(option.name);
    const std::string near = engine::nearest(key, names);
    fail(info.name, "there is no option '", key, "'",
         near.empty() ? "" : ", did you mean " + near + "?",
         hint(names.empty() ? info.name + " has no options" : "known options: " + joined(names)));
  }
}

bool Options::given(const std::string& key) const {
  return std::any_of(part_.options.begin(), part_.options.end(),
                     [&](const auto& option) { return option.first == key; });
}

std::string Options::text(const std::string& key) const {
  for (const auto& [name, value] : part_.options)
    if (name == key) return value;
  for (const auto& option : info_.options)
    if (option.name == key) return option.fallback;
  fail(info_.name, "option '", key, "' is not in the registry");
}

int64_t Options::integer(const std::string& key, int64_t least, int64_t most) const {
  return engine::number_in<int64_t>(text(key), info_.name, key, least, most);
}

double Options::number(const std::string& key, double least, double most) const {
  return engine::number_in<double>(text(key), info_.name, key, least, most);
}

bool Options::flag(const std::string& key) const {
  const std::string value = text(key);
  check(value == "true" || value == "false", info_.name, key, "=", value,
        " should be true or false");
  return value == "true";
}

std::string Options::choice(const std::string& key, const std::vector<std::string>& known) const {
  const std::string value = text(key);
  check(std::find(known.begin(), known.end(), value) != known.end(), info_.name, key, "=", value,
        " is not known", hint("known values of " + key + ": " + joined(known)));
  return value;
}

std::vector<std::string> Options::list(const std::string& key,
                                       const std::vector<std::string>& known) const {
  const std::string value = text(key);
  std::vector<std::string> wanted;
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find('+', begin), value.size());
    const std::string item = value.substr(begin, end - begin);
    check(std::find(known.begin(), known.end(), item) != known.end(), info_.name, "'", item,
          "' in ", key, "=", value, " is not known",
          hint("known values of " + key + ": " + joined(known) + "; several are joined with '+'"));
    wanted.push_back(item);
    begin = end + 1;
  }
  std::vector<std::string> out;
  for (const auto& name : known)
    if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) out.push_back(name);
  return out;
}

std::vector<std::string> Options::names(const std::string& key) const {
  const std::string value = text(key);
  std::vector<std::string> out;
  for (size_t begin = 0; begin < value.size();) {
    const size_t end = std::min(value.find('+', begin), value.size());
    check(end > begin, info_.name, key, "=", value, " has an empty name");
    out.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

void Options::exclusive(const std::string& one, const std::string& other) const {
  check(!given(one) || !given(other), info_.name, one, "= and ", other,
        "= say the same thing in two ways", hint("give one of them"));
}

}  // namespace peft
