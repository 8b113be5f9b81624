#include <ostream>
#include <set>

#include "apps/common/format.h"
#include "apps/common/table.h"
#include "apps/inspect/model.h"
#include "peft/count.h"

namespace apps {
namespace {

struct Loaded {
  bool any = false;
  engine::LoadReport report;
};

// Reads what the checkpoint has for each parameter. Everything is frozen for the while, so values
// stay in the mapped file.
Loaded load(Inspected& inspected) {
  Loaded out;
  if (!inspected.source.has_weights()) return out;
  std::set<engine::Parameter*> trainable;
  inspected.root().visit([&](engine::Parameter& p) {
    if (p.trainable) trainable.insert(&p);
    p.trainable = false;
  });
  engine::ParameterStore store(inspected.root());
  store.allocate();
  out.report = engine::load_checkpoint(models::checkpoint_of(inspected.source), store,
                                       {.borrow = true, .allow_head_mismatch = true});
  out.any = true;
  for (engine::Parameter* p : trainable) p->trainable = true;
  return out;
}

std::string dims(const engine::Parameter& p) {
  std::string text;
  for (const int64_t d : p.dims) text += (text.empty() ? "" : " x ") + std::to_string(d);
  return text;
}

std::string source_of(const engine::Parameter& p, const Loaded& loaded) {
  if (p.role == engine::Role::injected) return "injected";
  if (!loaded.any) return "fresh";
  for (const auto& mismatch : loaded.report.mismatched)
    if (mismatch.parameter == p.name) return "fresh (other size in file)";
  if (!p.loaded) return "fresh (not in file)";
  const auto it = loaded.report.source.find(p.name);
  return it == loaded.report.source.end() ? "file" : "file: " + it->second;
}

}  // namespace

void inspect_params(const InspectOptions& options, std::ostream& out) {
  Inspected inspected = open_inspected(options);
  const Loaded loaded = load(inspected);
  const bool marked = inspected.strategy != nullptr;
  engine::Json list = engine::Json::array();
  std::vector<Column> columns = {{"name", Align::left, Fit::cut_front, 0, 43},
                                 {"shape"},
                                 {"count", Align::right},
                                 {"role", Align::left, Fit::fixed, 2}};
  if (marked) columns.push_back({"trains"});
  columns.push_back({"source", Align::left, Fit::cut, 1, 8});
  Table table(columns);
  inspected.root().visit([&](engine::Parameter& p) {
    const std::string source = source_of(p, loaded);
    std::vector<std::string> cells = {p.name, dims(p), format_count(p.count()),
                                      engine::role_name(p.role)};
    if (marked) cells.push_back(p.trainable ? "yes" : "-");
    cells.push_back(source);
    table.add(std::move(cells));
    engine::Json entry = {{"name", p.name},     {"dims", p.dims},
                          {"count", p.count()}, {"role", engine::role_name(p.role)},
                          {"layer", p.layer},   {"source", source}};
    if (marked) entry["trainable"] = p.trainable;
    list.push_back(std::move(entry));
  });
  const peft::Count count = peft::count(inspected.root());
  if (options.json) {
    engine::Json json = {{"model_type", inspected.sites.model_type},
                         {"total_parameters", count.total}};
    if (marked) {
      json["strategy"] = inspected.strategy->spec();
      json["trainable_parameters"] = count.trainable;
    }
    json["injected_parameters"] = count.injected;
    json["head_parameters"] = count.head;
    if (loaded.any) json["unexpected"] = loaded.report.unexpected;
    json["parameters"] = std::move(list);
    out << engine::json_text(json, 2) << '\n';
    return;
  }
  out << table.text(options.width) << '\n'
      << format_count(static_cast<int64_t>(table.rows())) << " parameters of "
      << format_count(count.total) << " values";
  if (count.head > 0) out << ", " << format_count(count.head) << " in the head";
  if (count.injected > 0) out << ", " << format_count(count.injected) << " injected";
  out << '\n';
  if (marked) out << inspected.strategy->spec() << ": " << peft::text(count) << '\n';
  if (loaded.any) {
    out << format_count(static_cast<int64_t>(loaded.report.loaded.size())) << " are in "
        << inspected.source.folder.string() << '\n';
    if (!loaded.report.unexpected.empty()) {
      out << "the file also holds:";
      for (const std::string& name : loaded.report.unexpected) out << ' ' << name;
      out << '\n';
    }
  }
}

}  // namespace apps
