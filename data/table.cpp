#include "data/table.h"

#include <csv.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/tokenizer_files.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

using OrderedJson = nlohmann::ordered_json;
using Row = std::vector<std::string>;

// The first row names the columns, every other one has as many fields.
void add_row(Table& table, Row row, int64_t line) {
  if (table.columns.empty()) {
    for (size_t i = 0; i < row.size(); ++i)
      engine::check(std::count(row.begin(), row.end(), row[i]) == 1,
                    engine::concat(table.file.string(), ":", line), "the column '", row[i],
                    "' is named twice");
    table.columns = std::move(row);
    return;
  }
  engine::check(row.size() == table.columns.size(), engine::concat(table.file.string(), ":", line),
                "has ", row.size(), " fields, expected ", table.columns.size(), " (",
                listed(table.columns), ")");
  table.rows.push_back(std::move(row));
  table.lines.push_back(line);
}

void read_tsv(Table& table) {
  for (TsvReader reader(table.file); reader.next();)
    add_row(table, Row(reader.fields().begin(), reader.fields().end()), reader.line());
}

struct CsvState {
  Table* table;
  Row row;
  int64_t line = 1;      // where the parser is
  int64_t row_line = 1;  // where the row began
  std::string error;     // an exception must not pass through C
};

void on_field(void* field, size_t length, void* user) {
  auto& state = *static_cast<CsvState*>(user);
  if (state.row.empty()) state.row_line = state.line;
  state.row.emplace_back(static_cast<const char*>(field), length);
  state.line += std::count(state.row.back().begin(), state.row.back().end(), '\n');
}

// `end` is the byte that ended the row, -1 at the end of the file. CRLF calls twice, the second
// time without fields.
void on_row(int end, void* user) {
  auto& state = *static_cast<CsvState*>(user);
  if (!state.row.empty() && state.error.empty()) {
    try {
      add_row(*state.table, std::move(state.row), state.row_line);
    } catch (const engine::Error& e) {
      state.error = e.what();
    }
  }
  state.row.clear();
  if (end == '\n') ++state.line;
}

void read_csv(Table& table) {
  std::string text = read_text(table.file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  check_utf8(text, table.file);
  csv_parser parser;
  engine::check(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) == 0,
                table.file.string(), "libcsv does not start");
  csv_set_space_func(&parser,
                     [](unsigned char) { return 0; });  // spaces around a field belong to it
  CsvState state{.table = &table, .row = {}, .error = {}};
  const bool parsed =
      csv_parse(&parser, text.data(), text.size(), on_field, on_row, &state) == text.size() &&
      csv_fini(&parser, on_field, on_row, &state) == 0;
  const std::string problem = parsed ? "" : csv_strerror(csv_error(&parser));
  csv_free(&parser);
  if (!state.error.empty()) throw engine::Error(state.error);
  engine::check(parsed, engine::concat(table.file.string(), ":", state.line), "broken quotation (",
                problem, ")",
                engine::hint("a field with a quotation mark is quoted, and the mark in it is "
                             "doubled: \"say \"\"hi\"\"\""));
}

std::string as_text(const OrderedJson& value, const std::string& where, const std::string& key) {
  if (value.is_string()) return value.get<std::string>();
  engine::check(value.is_number() || value.is_boolean(), where, "'", key, "' is ", value.dump(),
                ", expected text or a number");
  return value.dump();
}

void read_jsonl(Table& table) {
  std::string text = read_text(table.file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  check_utf8(text, table.file);
  int64_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content(text.data() + begin, end - begin);
    begin = end + 1;
    ++line;
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = engine::concat(table.file.string(), ":", line);
    const OrderedJson object = OrderedJson::parse(content, nullptr, false);
    engine::check(
        object.is_object(), where, "is not a JSON object",
        engine::hint("JSON lines have one object a line: {\"text\": \"...\", \"label\": \"...\"}"));
    if (table.columns.empty())
      for (const auto& [key, value] : object.items()) table.columns.push_back(key);
    Row row;
    for (const std::string& key : table.columns) {
      const auto found = object.find(key);
      engine::check(found != object.end(), where, "has no '", key, "', which the first line has");
      row.push_back(found->is_null() ? "" : as_text(*found, where, key));
    }
    table.rows.push_back(std::move(row));
    table.lines.push_back(line);
  }
}

}  // namespace

std::optional<size_t> Table::find(const std::string& name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<size_t>(found - columns.begin());
}

size_t Table::column(const std::string& name) const {
  const auto found = find(name);
  engine::check(found.has_value(), file.string(), "no column named '", name, "'",
                engine::hint("the columns are: " + listed(columns)));
  return *found;
}

std::string Table::where(size_t row) const {
  return engine::concat(file.string(), ":", lines[row]);
}

Table read_table(const std::filesystem::path& file) {
  Table table;
  table.file = file;
  const std::string ending = ascii_lower(file.extension().string());
  if (ending == ".tsv") {
    read_tsv(table);
  } else if (ending == ".csv") {
    read_csv(table);
  } else if (ending == ".jsonl" || ending == ".json" || ending == ".ndjson") {
    read_jsonl(table);
  } else {
    engine::fail(file.string(), "the ending '", ending, "' is not known",
                 engine::hint("known are .tsv, .csv and .jsonl"));
  }
  engine::check(!table.rows.empty(), file.string(),
                table.columns.empty() ? "is empty" : "has column names but no rows");
  return table;
}

}  // namespace data
