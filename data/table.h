// A person's own table: rows with named columns out of a .tsv, .csv or .jsonl file.
//
// The formats are those of data/rows.h, by the file's ending; all rows are in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace data {

struct Table {
  std::filesystem::path file;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // (rows, columns)
  std::vector<int64_t> lines;  // (rows) line of the file where the row begins, from 1
  std::set<std::pair<size_t, size_t>> unusable;  // (row, column) that JSON lacks or has no text for

  std::optional<size_t> find(const std::string& column) const;
  // Throws engine::Error that lists the columns if there is none of this name.
  size_t column(const std::string& name) const;
  // A cell that is in use. Throws engine::Error if it is one of `unusable`.
  const std::string& text(size_t row, size_t column) const;
  std::string where(size_t row) const;  // "path:line", for a message
};

// Throws engine::Error with file, line and what was found: an ending that is not known, an empty
// file, text that is not UTF-8, a column name that comes twice, a row with another number of
// fields, a broken quotation, a line that is not a JSON object. What nobody reads may be absent or
// nested.
Table read_table(const std::filesystem::path& file);

}  // namespace data
