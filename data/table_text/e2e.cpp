#include <csv.h>

#include <algorithm>
#include <functional>
#include <unordered_map>

#include "data/table_text/formats.h"
#include "data/tokenizer_files.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

std::string_view stripped(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\r'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// Whole files, without a byte order mark.
std::string checked_text(const std::filesystem::path& file) {
  std::string text = read_text(file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  check_utf8(text, file);
  return text;
}

// Texts of one table belong to one entry, where the table first stands.
class Grouped {
 public:
  explicit Grouped(TableSet& set) : set_(set) {}
  TableEntry& entry(const std::string& source, const std::string& where,
                    const std::function<std::vector<Relation>()>& relations) {
    const auto [at, fresh] = index_.try_emplace(source, set_.entries.size());
    if (fresh) {
      TableEntry e;
      e.source = source;
      e.where = where;
      e.relations = relations();
      set_.entries.push_back(std::move(e));
    }
    return set_.entries[at->second];
  }

 private:
  TableSet& set_;
  std::unordered_map<std::string, size_t> index_;
};

struct CsvState {
  Delimited* out;
  std::vector<std::string> row;
  int64_t line = 1, row_line = 1;
};

void on_field(void* field, size_t length, void* user) {
  auto& state = *static_cast<CsvState*>(user);
  if (state.row.empty()) state.row_line = state.line;
  state.row.emplace_back(static_cast<const char*>(field), length);
  state.line += std::count(state.row.back().begin(), state.row.back().end(), '\n');
}

void on_row(int end, void* user) {
  auto& state = *static_cast<CsvState*>(user);
  const bool blank = state.row.empty() || (state.row.size() == 1 && stripped(state.row[0]).empty());
  if (!blank) {
    if (state.out->header.empty()) {
      state.out->header = std::move(state.row);
    } else {
      state.out->rows.push_back(std::move(state.row));
      state.out->lines.push_back(state.row_line);
    }
  }
  state.row.clear();
  if (end == '\n' || end == -1) ++state.line;
}

size_t one_column(const Delimited& table, bool (*names)(std::string_view), const char* what,
                  const std::filesystem::path& file, bool needed) {
  size_t found = table.header.size();
  for (size_t i = 0; i < table.header.size(); ++i) {
    if (!names(table.header[i])) continue;
    engine::check(found == table.header.size(), file.string(), "two columns name ", what, ": ",
                  listed(table.header));
    found = i;
  }
  engine::check(!needed || found < table.header.size(), file.string(), "no column names ", what,
                engine::hint("the header has: ", listed(table.header)));
  return found;
}

bool any_of_names(std::string_view name, std::initializer_list<const char*> names) {
  std::string key;
  for (const char c : ascii_lower(stripped(name)))
    if (c != ' ' && c != '_' && c != '.' && c != '-') key += c;
  if (key.ends_with('s') && key != "ss") key.pop_back();
  return std::any_of(names.begin(), names.end(), [&](const char* n) { return key == n; });
}

}  // namespace

bool names_meaning(std::string_view name) {
  return any_of_names(name, {"mr", "src", "source", "meaning", "meaningrep",
                             "meaningrepresentation", "da", "dialact", "dialogueact"});
}
bool names_output(std::string_view name) {
  return any_of_names(name, {"out", "output", "ref", "reference", "sy", "sys", "system", "sysout",
                             "sysoutput", "sysref", "sysreference", "systemout", "systemoutput",
                             "systemref", "systemreference"});
}
bool names_reference(std::string_view name) {
  return any_of_names(
      name, {"trg", "tgt", "target", "ref", "reference", "human", "humanref", "humanreference"});
}

Delimited read_delimited(const std::filesystem::path& file) {
  const std::string text = checked_text(file);
  const std::string_view first = std::string_view(text).substr(0, text.find('\n'));
  Delimited table;
  csv_parser parser;
  engine::check(csv_init(&parser, CSV_REPALL_NL) == 0, file.string(), "libcsv does not start");
  csv_set_delim(&parser, first.find('\t') != std::string_view::npos ? '\t' : ',');
  csv_set_space_func(&parser, [](unsigned char) { return 0; });
  CsvState state{.out = &table, .row = {}};
  const bool parsed =
      csv_parse(&parser, text.data(), text.size(), on_field, on_row, &state) == text.size() &&
      csv_fini(&parser, on_field, on_row, &state) == 0;
  csv_free(&parser);
  engine::check(parsed, engine::concat(file.string(), ":", state.line),
                "cannot be read as a table");
  engine::check(!table.header.empty(), file.string(), "is empty");
  for (size_t i = 0; i < table.rows.size(); ++i)
    engine::check(table.rows[i].size() == table.header.size(),
                  engine::concat(file.string(), ":", table.lines[i]), "has ", table.rows[i].size(),
                  " fields, expected ", table.header.size(), " (", listed(table.header), ")");
  return table;
}

std::vector<Relation> parse_meaning(std::string_view meaning, const std::string& where) {
  std::vector<Relation> relations;
  for (std::string_view rest = stripped(meaning); !rest.empty();) {
    const size_t open = rest.find('['), close = rest.find(']', open);
    engine::check(open != std::string_view::npos && close != std::string_view::npos && open > 0,
                  where, "expected name[value], ..., found \"", meaning, "\"");
    relations.push_back({"", std::string(stripped(rest.substr(0, open))),
                         std::string(stripped(rest.substr(open + 1, close - open - 1)))});
    rest = stripped(rest.substr(close + 1));
    engine::check(rest.empty() || rest.front() == ',', where, "expected a comma after \"]\" in \"",
                  meaning, "\"");
    if (!rest.empty()) rest = stripped(rest.substr(1));
  }
  return relations;
}

void read_e2e_table(const std::filesystem::path& file, TableSet& set) {
  const Delimited table = read_delimited(file);
  const size_t meaning = one_column(table, names_meaning, "the meaning representation", file, true);
  const size_t text = one_column(table, names_reference, "the reference", file, false);
  Grouped grouped(set);
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const auto& row = table.rows[i];
    const std::string where = engine::concat(file.string(), ":", table.lines[i]);
    TableEntry& entry =
        grouped.entry(row[meaning], where, [&] { return parse_meaning(row[meaning], where); });
    if (text >= row.size()) continue;
    engine::check(!stripped(row[text]).empty(), where, "an empty reference");
    entry.texts.push_back({row[text]});
  }
}

void read_e2e_lines(const std::filesystem::path& file, TableSet& set) {
  const std::string text = checked_text(file);
  Grouped grouped(set);
  int64_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = stripped(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
    const std::string where = engine::concat(file.string(), ":", ++line);
    if (content.empty()) continue;
    const size_t bars = content.find("||");
    engine::check(bars != std::string_view::npos, where, "expected table||text, found \"", content,
                  "\"");
    const std::string source(stripped(content.substr(0, bars)));
    TableEntry& entry = grouped.entry(source, where, [&] {
      std::vector<Relation> relations;
      for (size_t at = 0; at <= source.size();) {
        const size_t next = std::min(source.find(" | ", at), source.size());
        const std::string part = source.substr(at, next - at);
        const size_t colon = part.find(" : ");
        engine::check(colon != std::string::npos, where, "expected \"name : value\", found \"",
                      part, "\"");
        relations.push_back({"", part.substr(0, colon), part.substr(colon + 3)});
        at = next + 3;
      }
      return relations;
    });
    const std::string_view target = stripped(content.substr(bars + 2));
    engine::check(!target.empty(), where, "an empty reference");
    entry.texts.push_back({std::string(target)});
  }
}

}  // namespace data
