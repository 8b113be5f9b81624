#include "peft/sites.h"

#include <algorithm>
#include <regex>

#include "engine/base/error.h"
#include "peft/options.h"

namespace peft {
namespace {

using engine::check;
using engine::hint;
using engine::LinearSite;

std::regex compile(const std::string& pattern, const std::string& where) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error& e) {
    engine::fail(where, "pattern=", pattern, " is no regular expression: ", e.what());
  }
}

}  // namespace

std::vector<LinearSite> choose_linears(const engine::Sites& sites, const SiteChoice& choice,
                                       const std::string& where) {
  choice.layers.check_within(sites.layers, where);
  std::vector<LinearSite> candidates, chosen;
  for (const auto& site : sites.linears)
    if (site.role != engine::Role::head &&
        (choice.layers.all() || (choice.layers.contains(site.layer) && site.layer < sites.layers)))
      candidates.push_back(site);
  if (!choice.pattern.empty()) {
    const std::regex regex = compile(choice.pattern, where);
    for (const auto& site : candidates)
      if (std::regex_match(site.path, regex)) chosen.push_back(site);
    check(!chosen.empty(), where, "pattern=", choice.pattern, " matches no linear layer of this ",
          sites.model_type,
          hint(candidates.empty()
                   ? "there are none here"
                   : "the pattern is for the whole path, for instance " + candidates.front().path));
  } else {
    const auto roles = roles_from_names(choice.roles);
    for (const auto role : roles)
      check(std::any_of(candidates.begin(), candidates.end(),
                        [&](const LinearSite& s) { return s.role == role; }),
            where, "this ", sites.model_type, " has no layer of role ", engine::role_name(role),
            choice.layers.all() ? "" : " in layers=",
            choice.layers.all() ? "" : choice.layers.text());
    for (const auto& site : candidates)
      if (std::find(roles.begin(), roles.end(), site.role) != roles.end()) chosen.push_back(site);
  }
  std::vector<LinearSite> joined;
  for (const auto& site : chosen) {
    const bool next = !joined.empty() && joined.back().linear == site.linear &&
                      joined.back().out_end == site.out_begin;
    if (!next) {
      joined.push_back(site);
      continue;
    }
    joined.back().out_end = site.out_end;
    joined.back().role = engine::Role::fused;
  }
  return joined;
}

bool is_part(const LinearSite& site) { return site.out_end - site.out_begin < site.linear->out(); }

std::string part_name(const LinearSite& site) {
  std::string name;
  int64_t at = 0;
  for (const auto& part : site.linear->parts()) {
    if (is_part(site) && at >= site.out_begin && at + part.out <= site.out_end)
      name += (name.empty() ? "" : "_") + std::string(engine::role_name(part.role));
    at += part.out;
  }
  return name;
}

engine::Scalar* writable(engine::ParameterStore& store, engine::Parameter& p) {
  check(p.value != nullptr, "merge", p.name, " has no values yet", hint("load the model first"));
  if (p.trainable) return p.value;
  const engine::Scalar* before = p.value;
  engine::Scalar* own = store.own(p);
  if (own != before) std::copy_n(before, p.count(), own);
  return own;
}

}  // namespace peft
