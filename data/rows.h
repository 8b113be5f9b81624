// A person's own table, row by row: what is read does not need to fit into memory.
//
//   tsv     tabs, no quoting; the first line names the columns
//   csv     RFC 4180: commas, fields may be quoted and then hold commas, "" and line breaks
//   jsonl   a JSON object a line, or one JSON array of objects; columns are the first object's keys
//   lines   a text a line, without a header; the column is "text"
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace data {

enum class Format { tsv, csv, jsonl, lines };

// "tsv", "csv", "jsonl", "lines"; throws engine::Error that lists them for another name.
Format parse_format(std::string_view name);
// By the file's ending: .tsv .csv .jsonl .json .ndjson .txt; throws engine::Error for any other.
Format format_of(const std::filesystem::path& file);

struct Row {
  std::vector<std::string> cells;  // (columns) text as it stands there; of JSON, text, numbers,
                                   // true and false as text, null as an empty one
  nlohmann::ordered_json object;   // jsonl: the whole object
  int64_t line = 0;                // of the file, where the row begins, from 1
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  const std::vector<std::string>& columns() const { return columns_; }
  // False at the end. Throws engine::Error with name, line and what was found.
  virtual bool next(Row& row) = 0;

  // Throws engine::Error if two columns have that name: columns that nobody asks for may.
  std::optional<size_t> find(const std::string& column) const;
  // The cell of a column that is in use. Throws engine::Error if the object lacks it or it is no
  // text: what nobody reads may be anything.
  const std::string& text(const Row& row, size_t column) const;
  std::string where(const Row& row) const;  // "name:line", for a message
  const std::string& name() const { return name_; }

 protected:
  RowReader(std::string name) : name_(std::move(name)) {}
  void set_columns(std::vector<std::string> columns) { columns_ = std::move(columns); }

  std::string name_;
  std::vector<std::string> columns_;
};

// `in` must live as long as the reader; `name` is for messages. Throws engine::Error if there is no
// header.
std::unique_ptr<RowReader> open_rows(std::istream& in, Format format, const std::string& name);
// The format of a stream whose file name does not say it, by its first line: a JSON object, or a
// header with one of the columns that are looked for; else a text a line.
Format sniff_format(std::string_view first_line, const std::vector<std::string>& columns);
// A stream that gives all of `in`, of which the first line is taken to look at.
std::unique_ptr<std::istream> look_at_first_line(std::istream& in, std::string& line);

// A cell of a TSV: a tab becomes \t, a line break \n or \r.
std::string tsv_cell(const std::string& text);
// The column of this name; throws engine::Error that opens with `where` if there are two.
std::optional<size_t> find_column(const std::vector<std::string>& columns, const std::string& name,
                                  const std::string& where);

class RowWriter {
 public:
  // A header for tsv and csv. `added` come after the columns that came in; where a name is taken
  // already, a number is appended. Cells of a TSV have their tabs and line breaks as \t and \n.
  RowWriter(std::ostream& out, Format format, const std::vector<std::string>& columns,
            const std::vector<std::string>& added);
  // `values` (added): numbers, text, or for jsonl anything.
  void write(const Row& row, const std::vector<nlohmann::ordered_json>& values);

 private:
  std::ostream& out_;
  Format format_;
  std::vector<std::string> columns_, added_;
};

}  // namespace data
