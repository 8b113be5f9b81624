#include "data/table_text/table_text.h"

#include <algorithm>
#include <array>

#include "data/table_text/formats.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kNames = {"e2e", "webnlg", "dart"};

std::vector<const char*> endings(TableTask task) {
  if (task == TableTask::e2e) return {".csv", ".tsv", ".txt", ".jsonl"};
  return {".xml", ".json", ".jsonl"};
}

bool has_ending(TableTask task, const fs::path& file) {
  const std::string ending = ascii_lower(file.extension().string());
  const auto known = endings(task);
  return std::any_of(known.begin(), known.end(), [&](const char* e) { return ending == e; });
}

void read_file(TableTask task, const fs::path& file, TableSet& set) {
  const std::string ending = ascii_lower(file.extension().string());
  if (ending == ".jsonl") return read_table_jsonl(file, set);
  if (task == TableTask::e2e)
    return ending == ".txt" ? read_e2e_lines(file, set) : read_e2e_table(file, set);
  ending == ".xml" ? read_table_xml(file, set) : read_table_json(file, set);
}

void check_entry(TableEntry& entry, std::vector<std::string>& notes) {
  engine::check(!entry.relations.empty(), entry.where, "a table without relations");
  const size_t before = entry.texts.size();
  std::erase_if(entry.texts, [](const TableText& text) {
    return text.text.find_first_not_of(" \t\r\n") == std::string::npos;
  });
  engine::check(before == 0 || !entry.texts.empty(), entry.where, "an empty text",
                engine::hint("remove the entry, or give it a text"));
  if (entry.texts.size() < before)
    notes.push_back(engine::concat(entry.where, ": an empty text is left out"));
}

}  // namespace

TableTask table_task(std::string_view name) {
  const std::string lower = ascii_lower(name);
  for (size_t i = 0; i < kNames.size(); ++i)
    if (lower == kNames[i]) return static_cast<TableTask>(i);
  engine::fail("task", "there is no table-to-text task '", name, "'",
               engine::hint("there are: e2e, webnlg, dart"));
}

const char* table_task_name(TableTask task) { return kNames[static_cast<size_t>(task)]; }

std::vector<std::string> TableEntry::references(bool only_good) const {
  std::vector<std::string> out;
  for (const TableText& text : texts)
    if (text.good || !only_good) out.push_back(text.text);
  return out;
}

size_t TableSet::texts() const {
  size_t count = 0;
  for (const TableEntry& entry : entries) count += entry.texts.size();
  return count;
}

TableSet read_tables(TableTask task, const fs::path& path) {
  TableSet set;
  set.path = path;
  engine::check(fs::exists(path), path.string(), "there is no such file or folder");
  std::string listing;
  for (const char* e : endings(task)) listing += (listing.empty() ? "" : ", ") + std::string(e);
  if (fs::is_directory(path)) {
    std::vector<fs::path> files;
    for (const auto& found : fs::recursive_directory_iterator(path))
      if (found.is_regular_file() && has_ending(task, found.path())) files.push_back(found.path());
    std::sort(files.begin(), files.end());
    engine::check(!files.empty(), path.string(), "has no file of ", table_task_name(task),
                  engine::hint("such a file ends in ", listing));
    for (const fs::path& file : files) read_file(task, file, set);
  } else {
    engine::check(has_ending(task, path), path.string(), "a file of ", table_task_name(task),
                  " ends in ", listing);
    read_file(task, path, set);
  }
  engine::check(!set.entries.empty(), path.string(), "has no entry");
  for (TableEntry& entry : set.entries) check_entry(entry, set.notes);
  return set;
}

bool seen_category(std::string_view category) {
  static constexpr std::array<std::string_view, 10> kSeen = {
      "Airport", "Astronaut", "Building",   "City",       "ComicsCharacter",
      "Food",    "Monument",  "SportsTeam", "University", "WrittenWork"};
  return std::find(kSeen.begin(), kSeen.end(), category) != kSeen.end();
}

}  // namespace data
