// Tables with their texts, for generation: E2E, WebNLG 2017, DART, and JSON lines of one's own.
//
//   const TableSet set = read_tables(TableTask::webnlg, "webnlg_2017/train");
//   for (const TableEntry& e : set.entries)
//     linearize(e, TableTask::webnlg, Linearization::lora);        // data/table_text/linearize.h
//
// An entry is one table with all of its texts; a file that repeats the table for each text (E2E)
// gives one entry, where the table first stands.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace data {

enum class TableTask { e2e, webnlg, dart };

// "e2e", "webnlg", "dart". Throws engine::Error that lists them.
TableTask table_task(std::string_view name);
const char* table_task_name(TableTask task);

struct Relation {
  std::string subject;  // empty in E2E, whose slots are all of one restaurant
  std::string name;     // E2E: "eatType", WebNLG: "birthPlace", DART: "NICKNAME"
  std::string object;
  bool operator==(const Relation&) const = default;
};

struct TableText {
  std::string text;
  bool good = true;  // false: WebNLG's annotators marked it "toFix"
};

struct TableEntry {
  std::vector<Relation> relations;
  std::vector<TableText> texts;  // none in a test set without references
  std::string category;          // WebNLG: "Airport"; otherwise empty, or what the file says
  std::string source;            // E2E: the meaning representation as the file has it
  std::string where;             // "path:line" or "path: entry 3", for a message

  std::vector<std::string> references(bool only_good = false) const;
};

struct TableSet {
  std::filesystem::path path;
  std::vector<TableEntry> entries;
  std::vector<std::string> notes;  // what was left out, with its line: for an application to print
  size_t texts() const;
};

// A file, or a folder whose files of the task are read in the order of their paths:
//
//   e2e     .csv .tsv with columns mr and ref (or no ref), also tokenised; .txt of "name : X |
//           Type : pub||text" as the repositories of LoRA and prefix-tuning have it
//   webnlg  .xml of the challenge, .json of the WebNLG repository
//   dart    .json, .xml
//   any     .jsonl: an object a line with the table as "triples": [["s", "p", "o"], ...] or "mr":
//           "name[X], ...", and texts as "references": ["...", ...] or "text": "..."; "category"
//           if there is one
//
// Throws engine::Error with file, line (or entry) and what was found: another ending, no entry,
// text that is not UTF-8, a table without relations, a relation that is no triple, an empty text.
// (In XML and JSON an empty text beside others is left out with a note: DART's test set has one.)
TableSet read_tables(TableTask task, const std::filesystem::path& path);

// Whether a WebNLG category is among the ten of the training set ("seen").
bool seen_category(std::string_view category);

// "name[X], eatType[pub]" to relations. `where` opens the message if it is none.
std::vector<Relation> parse_meaning(std::string_view meaning, const std::string& where);

// A table with a header line of names and rows as Python's csv module reads them (quotes at the
// beginning of a field only): tabs if the first line has one, else commas. `lines` from 1.
struct Delimited {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<int64_t> lines;
};
Delimited read_delimited(const std::filesystem::path& file);

// Whether a header's name is one of a table, of an output or of a reference, as the E2E script
// takes them: "MR", "source"; "output", "system ref"; "ref", "target".
bool names_meaning(std::string_view name);
bool names_output(std::string_view name);
bool names_reference(std::string_view name);

}  // namespace data
