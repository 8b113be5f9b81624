#include "apps/generate/prompts.h"

#include <filesystem>
#include <fstream>
#include <istream>

#include "data/language/rows.h"
#include "data/rows.h"
#include "data/table_text/rows.h"
#include "engine/base/error.h"

namespace apps {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

Prompt prompt_of(const data::RowReader& rows, const data::Row& row, const Columns& columns) {
  if (row.object.is_object() && row.object.contains("messages") && columns.given.empty()) {
    std::vector<data::Turn> turns = data::read_turns(row.object["messages"], rows.where(row));
    while (!turns.empty() && turns.back().role == "assistant") turns.pop_back();
    check(!turns.empty(), rows.where(row), "the chat has no turn before the assistant's");
    return {"", std::move(turns)};
  }
  for (const std::string& name : columns.names()) {
    if (row.object.is_object() && !row.object.contains(name)) continue;
    if (const auto column = rows.find(name)) return {rows.text(row, *column), {}};
  }
  check(columns.given.empty(), rows.where(row), "there is no '", columns.given, "'");
  engine::fail(rows.where(row), "there is no prompt",
               hint("a row has \"prompt\", \"messages\" or \"text\", or what --source names"));
}

data::Format format_of_prompts(const std::string& file) {
  const std::string ending = fs::path(file).extension().string();
  for (const char* table : {".jsonl", ".json", ".ndjson", ".tsv", ".csv"})
    if (ending == table) return data::format_of(file);
  return data::Format::lines;
}

}  // namespace

std::vector<std::string> Columns::names() const {
  if (!given.empty()) return {given};
  // An encoder's as training guesses them (data/language/rows.h).
  if (encoder) return {"source", "document", "article", "dialogue", "text", "prompt", "input"};
  return {"prompt", "text"};
}

std::vector<Prompt> read_prompts(const std::string& name, std::istream& in,
                                 const Columns& columns) {
  std::ifstream file;
  std::unique_ptr<std::istream> replay;
  std::istream* from = &in;
  data::Format format{};
  if (name == "-") {
    std::string first;
    replay = data::look_at_first_line(in, first);
    from = replay.get();
    format = first.starts_with('{') ? data::Format::jsonl : data::Format::lines;
  } else {
    file.open(name, std::ios::binary);
    check(file.good() && !fs::is_directory(name), name, "cannot be opened");
    from = &file;
    format = format_of_prompts(name);
  }
  const auto rows = data::open_rows(*from, format, name == "-" ? "standard input" : name);
  std::vector<Prompt> prompts;
  for (data::Row row; rows->next(row);) prompts.push_back(prompt_of(*rows, row, columns));
  check(!prompts.empty(), name, "there is no prompt");
  return prompts;
}

std::vector<Prompt> table_prompts(const std::string& task, const std::string& folder,
                                  const std::string& split, const std::string& form) {
  const data::TableTask kind = data::table_task(task);
  const data::Linearization how = data::linearization(form);
  const data::TableSet set = data::read_tables(kind, data::table_part(kind, folder, split));
  std::vector<Prompt> prompts;
  for (const data::TableEntry& entry : set.entries)
    prompts.push_back({data::linearize(entry, kind, how), {}});
  return prompts;
}

}  // namespace apps
