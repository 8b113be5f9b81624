#include "peft/sites.h"

#include <re2/re2.h>

#include <algorithm>
#include <memory>

#include "engine/base/error.h"

namespace peft {

using engine::check;
using engine::EmbeddingSite;
using engine::hint;
using engine::Json;
using engine::LinearSite;

namespace {

constexpr const char* kDefault = "default";
constexpr const char* kEmbedding = "embedding";

bool ends_with_any(const std::string& path, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return path == name || path.ends_with("." + name);
  });
}

// Parts of one layer that stand side by side, as one.
std::vector<LinearSite> joined_parts(const std::vector<LinearSite>& chosen) {
  std::vector<LinearSite> out;
  for (const auto& site : chosen) {
    const bool next =
        !out.empty() && out.back().linear == site.linear && out.back().out_end == site.out_begin;
    if (!next) {
      out.push_back(site);
      continue;
    }
    out.back().out_end = site.out_end;
    out.back().role = engine::Role::fused;
  }
  return out;
}

}  // namespace

std::vector<OptionInfo> SiteChoice::options(const std::string& fallback,
                                            const std::vector<std::string>& known) {
  return {{"roles", kDefault, "default: " + fallback + "; else any of " + joined(known)},
          {"targets", "", "instead of roles: names of modules as PEFT's target_modules"},
          {"pattern", "", "instead of roles: a regular expression for the whole module path"},
          {"exclude", "", "names of modules that are left out"},
          {"layers", "all", "for instance 0-3 or 0+2+5"},
          StackSet::option()};
}

SiteChoice::SiteChoice(const Options& o, const std::vector<std::string>& known, Defaults defaults)
    : defaults_(defaults),
      known_(known),
      targets_(o.names("targets")),
      exclude_(o.names("exclude")),
      pattern_(o.text("pattern")),
      stacks_(o),
      layers_(o.layers("layers")) {
  o.exclusive("roles", "pattern");
  o.exclusive("roles", "targets");
  o.exclusive("targets", "pattern");
  if (pattern_.empty() && targets_.empty() && o.text("roles") != kDefault)
    roles_ = o.list("roles", known);
}

void SiteChoice::add_to(Json& options) const {
  if (!pattern_.empty())
    options["pattern"] = pattern_;
  else if (!targets_.empty())
    options["targets"] = targets_;
  else if (!roles_.empty())
    options["roles"] = roles_;
  else
    options["roles"] = kDefault;
  if (!exclude_.empty()) options["exclude"] = exclude_;
  options["layers"] = layers_.text();
  stacks_.add_to(options);
}

void SiteChoice::settle(Json& options) const {
  if (!settled_.empty()) options["roles"] = settled_;
}

bool SiteChoice::excluded(const std::string& path) const { return ends_with_any(path, exclude_); }

Chosen SiteChoice::choose(const engine::Sites& sites, const std::string& where) {
  layers_.check_within(sites.layers, where);
  const bool tables = std::find(known_.begin(), known_.end(), kEmbedding) != known_.end();
  stacks_.check_fits(sites.decoder_layers, where);
  const auto within = [&](int layer, engine::Stack stack, engine::AttentionKind attention) {
    return stacks_.contains(stack, attention) &&
           (layers_.all() || (layers_.contains(layer) && layer < sites.layers));
  };
  std::vector<LinearSite> linears;
  std::vector<EmbeddingSite> embeddings;
  for (const auto& site : sites.linears)
    if (site.role != engine::Role::head && !excluded(site.path) &&
        within(site.layer, site.stack, site.attention))
      linears.push_back(site);
  for (const auto& site : sites.embeddings)
    if (tables && !excluded(site.path) &&
        within(site.layer, site.stack, engine::AttentionKind::self))
      embeddings.push_back(site);

  Chosen chosen;
  if (pattern_.empty() && targets_.empty()) {
    if (roles_.empty()) settled_ = defaults_(sites.model_type);
    const std::vector<std::string>& names = roles_.empty() ? settled_ : roles_;
    const auto roles = roles_from_names(names);
    const auto missing = [&](const char* role) {
      engine::fail(where, "this ", sites.model_type, " has no layer of role ", role,
                   layers_.all() ? "" : " in layers=", layers_.all() ? "" : layers_.text());
    };
    for (const auto role : roles)
      if (std::none_of(linears.begin(), linears.end(),
                       [&](const LinearSite& s) { return s.role == role; }))
        missing(engine::role_name(role));
    for (const auto& site : linears)
      if (std::find(roles.begin(), roles.end(), site.role) != roles.end())
        chosen.linears.push_back(site);
    if (std::find(names.begin(), names.end(), kEmbedding) != names.end()) {
      for (const auto& site : embeddings)
        if (site.embedding == sites.words) chosen.embeddings.push_back(site);
      if (chosen.embeddings.empty()) missing(kEmbedding);
    }
  } else {
    const auto regex = compile_pattern(pattern_, where);
    const auto matches = [&](const std::string& path) {
      return pattern_.empty() ? ends_with_any(path, targets_) : re2::RE2::FullMatch(path, *regex);
    };
    for (const auto& site : linears)
      if (matches(site.path)) chosen.linears.push_back(site);
    for (const auto& site : embeddings)
      if (matches(site.path)) chosen.embeddings.push_back(site);
    check(!chosen.linears.empty() || !chosen.embeddings.empty(), where,
          pattern_.empty() ? "targets=" : "pattern=", pattern_.empty() ? "" : pattern_,
          pattern_.empty() ? joined(targets_) : "",
          " does not fit this model: it matches no linear layer of this ", sites.model_type,
          hint(linears.empty() ? "there are none here"
               : pattern_.empty()
                   ? "a target is a module's name or the end of it, for instance " +
                         linears.front().path
                   : "the pattern is for the whole path, for instance " + linears.front().path));
  }
  chosen.linears = joined_parts(chosen.linears);
  return chosen;
}

// RE2 matches in linear time, so no pattern hangs or overflows the stack.
std::shared_ptr<const re2::RE2> compile_pattern(const std::string& pattern,
                                                const std::string& where) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(pattern, options);
  for (const char* around : {"(?=", "(?!", "(?<=", "(?<!"})
    check(regex->ok() || pattern.find(around) == std::string::npos, where, "pattern=", pattern,
          " has a look-around ('", around, "')",
          hint("patterns run in linear time here, without look-arounds; name layers and roles "
               "instead, or join alternatives with |"));
  check(regex->ok(), where, "pattern=", pattern, " is no regular expression: ", regex->error());
  return regex;
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

// The values of p as floats, however they are held.
static void copy_values(const engine::Parameter& p, engine::Scalar* to) {
  check(p.value != nullptr || p.half, "merge", p.name, " has no values yet",
        hint("load the model first"));
  for (int64_t r = 0; r < p.shape.rows; ++r) p.read_row(r, to + r * p.shape.cols);
}

engine::Scalar* writable(engine::ParameterStore& store, engine::Parameter& p) {
  if (p.trainable) return p.value;
  const engine::Parameter before = p;
  engine::Scalar* own = store.own(p);
  if (own != before.value) copy_values(before, own);
  return own;
}

engine::Parameter& own_kernel(engine::ParameterStore& store, engine::Linear& linear) {
  if (linear.tied()) {
    const engine::Parameter &kernel = linear.kernel(), &offset = linear.offset();
    linear.untie();
    copy_values(kernel, store.own(linear.weight));
    if (linear.has_bias && &linear.offset() == &linear.bias)
      copy_values(offset, store.own(linear.bias));
  }
  writable(store, linear.kernel());
  return linear.kernel();
}

}  // namespace peft
