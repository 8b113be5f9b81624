#include <algorithm>
#include <ostream>

#include "apps/common/table.h"
#include "apps/inspect/model.h"
#include "engine/nn/linear.h"

namespace apps {
namespace {

using engine::Json;

// The names of what a hook adds: "lora_A lora_B".
std::string added_by(engine::Module& hook) {
  std::vector<std::string> names;
  hook.visit([&](engine::Parameter& p) {
    const std::string name = p.name.substr(
        0, p.name.rfind('.') == std::string::npos ? p.name.size() : p.name.rfind('.'));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  });
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

std::string trains(const engine::Linear& linear) {
  const bool bias = linear.has_bias && linear.bias.trainable;
  return linear.weight.trainable ? (bias ? "weight bias" : "weight") : bias ? "bias" : "-";
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

}  // namespace

void inspect_sites(const InspectOptions& options, std::ostream& out) {
  Inspected inspected = open_inspected(options);
  const engine::Sites& sites = inspected.sites;
  const bool marked = inspected.strategy != nullptr;
  Json linears = Json::array(), points = Json::array();
  size_t used = 0;
  std::vector<Column> columns = {{"site", Align::left, Fit::cut_front, 0, 33},
                                 {"role"},
                                 {"in", Align::right, Fit::fixed, 3},
                                 {"out", Align::right, Fit::fixed, 3}};
  if (marked) {
    columns.push_back({"trains", Align::left, Fit::fixed, 2});
    columns.push_back({"added", Align::left, Fit::cut});
  }
  Table table(columns);
  int layer = sites.linears.empty() ? 0 : sites.linears.front().layer;
  for (const engine::LinearSite& site : sites.linears) {
    if (site.layer != layer) table.rule();
    layer = site.layer;
    std::string added;
    for (const auto& hook : site.linear->hooks())
      added += (added.empty() ? "" : " ") + added_by(*hook);
    used += !added.empty();
    table.add({site.path, engine::role_name(site.role), std::to_string(site.linear->in()),
               std::to_string(site.out_end - site.out_begin), trains(*site.linear),
               or_dash(added)});
    Json entry = {{"path", site.path},
                  {"role", engine::role_name(site.role)},
                  {"layer", site.layer},
                  {"in", site.linear->in()},
                  {"out", site.out_end - site.out_begin}};
    if (marked) {
      entry["trains"] = trains(*site.linear);
      entry["added"] = added;
    }
    linears.push_back(std::move(entry));
  }
  table.rule();
  for (const engine::PointSite& site : sites.points) {
    std::string added;
    for (const auto& hook : site.hook_point->hooks())
      added += (added.empty() ? "" : " ") + added_by(*hook);
    used += !added.empty();
    const char* point =
        site.point == engine::Point::after_attention ? "after_attention" : "after_ffn";
    table.add({site.path, point, std::to_string(site.width), std::to_string(site.width), "-",
               or_dash(added)});
    Json entry = {
        {"path", site.path}, {"point", point}, {"layer", site.layer}, {"width", site.width}};
    if (marked) entry["added"] = added;
    points.push_back(std::move(entry));
  }
  std::string prefix;
  if (sites.kv.hook()) prefix = added_by(*sites.kv.hook());
  used += !prefix.empty();
  table.rule();
  table.add({"keys and values of every layer", "prefix", "", std::to_string(sites.kv.width()), "-",
             or_dash(prefix)});
  if (options.json) {
    Json json = {{"model_type", sites.model_type},
                 {"layers", sites.layers},
                 {"heads", sites.heads},
                 {"hidden", sites.hidden}};
    if (marked) json["strategy"] = inspected.strategy->spec();
    if (marked) json["matched"] = inspected.strategy->matched();
    json["linear_sites"] = std::move(linears);
    json["point_sites"] = std::move(points);
    json["prefix_site"] = {{"layers", sites.kv.layers()},
                           {"heads", sites.kv.heads},
                           {"width", sites.kv.width()},
                           {"added", prefix}};
    out << engine::json_text(json, 2) << '\n';
    return;
  }
  out << table.text(options.width) << '\n'
      << sites.linears.size() << " linear sites, " << sites.points.size()
      << " points between sub-layers, "
      << "1 place for a prefix\n";
  if (marked) out << inspected.strategy->spec() << " adds something at " << used << " of them\n";
}

}  // namespace apps
