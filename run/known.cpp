#include "run/known.h"

#include "engine/base/atomic_file.h"
#include "models/pretrained.h"
#include "run/settings.h"

namespace run {

namespace fs = std::filesystem;
using engine::Json;

namespace {

constexpr const char* kSchema = "peft.cpp/task/1";

// A path of a record, which may have been given from another working directory.
std::string resolve(const std::string& path, const std::string& home) {
  std::error_code ignored;
  if (path.empty() || home.empty() || models::is_random_model(path) ||
      fs::path(path).is_absolute() || fs::exists(path, ignored))
    return path;
  const fs::path there = fs::path(home) / path;
  return fs::exists(there, ignored) ? there.string() : path;
}

Known from_record(const Json& record, const std::string& where) {
  const auto settings =
      FinetuneSettings::from_json(engine::get<Json>(record, "settings", where), where);
  Known known;
  known.task = data::TaskInfo::from_json(engine::get<Json>(record, "task_info", where));
  if (engine::has(record, "columns")) {
    const Json& columns = record["columns"];
    known.columns = {engine::get_or<std::string>(columns, "text", "", where),
                     engine::get_or<std::string>(columns, "text_b", "", where),
                     engine::get_or<std::string>(columns, "label", "", where)};
  }
  known.max_length = engine::get_or<int>(record, "max_length", 0, where);
  known.seed = settings.seed;
  const auto home = engine::get_or<std::string>(record, "working_folder", "", where);
  known.model = resolve(settings.model, home);
  known.tokenizer = resolve(settings.tokenizer, home);
  return known;
}

}  // namespace

Json Known::to_json() const {
  return {
      {"schema", kSchema},
      {"task", task.to_json()},
      {"columns", {{"text", columns.text}, {"text_b", columns.text_b}, {"label", columns.label}}},
      {"max_length", max_length},
      {"seed", seed},
      {"model", model},
      {"tokenizer", tokenizer}};
}

Known Known::from_json(const Json& json, const std::string& where) {
  const auto schema = engine::get<std::string>(json, "schema", where);
  engine::check(schema == kSchema, where, "has the schema ", schema, ", and this program knows ",
                kSchema);
  Known known;
  known.task = data::TaskInfo::from_json(engine::get<Json>(json, "task", where));
  const Json columns = engine::get<Json>(json, "columns", where);
  known.columns = {engine::get<std::string>(columns, "text", where),
                   engine::get<std::string>(columns, "text_b", where),
                   engine::get<std::string>(columns, "label", where)};
  known.max_length = engine::get<int>(json, "max_length", where);
  known.seed = engine::get<uint64_t>(json, "seed", where);
  known.model = engine::get<std::string>(json, "model", where);
  known.tokenizer = engine::get<std::string>(json, "tokenizer", where);
  return known;
}

std::optional<Known> find_known(const fs::path& folder) {
  std::error_code ignored;
  if (const fs::path file = folder / "task.json"; fs::is_regular_file(file, ignored))
    return Known::from_json(engine::json_file(file), file.string());
  const fs::path whole = fs::absolute(folder, ignored).lexically_normal();
  const fs::path above = (whole.has_filename() ? whole : whole.parent_path()).parent_path();
  for (const fs::path& run : {folder, above}) {
    const fs::path file = run / "run.json";
    // Only a run's own adapter is described by the record above it.
    if (!fs::is_regular_file(file, ignored)) continue;
    if (run == above && !fs::exists(folder / "adapter_config.json", ignored)) continue;
    const Json record = engine::json_file(file);
    if (engine::has(record, "task_info")) return from_record(record, file.string());
  }
  return std::nullopt;
}

void write_known(const fs::path& folder, const Known& known) {
  engine::write_file_atomically(folder / "task.json", engine::json_text(known.to_json(), 2) + "\n");
}

fs::path adapter_folder(const fs::path& given) {
  std::error_code ignored;
  return !fs::exists(given / "adapter_config.json", ignored) &&
                 fs::exists(given / "adapter", ignored)
             ? given / "adapter"
             : given;
}

}  // namespace run
