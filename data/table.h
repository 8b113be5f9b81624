// A person's own table: rows with named columns out of a .tsv, .csv or .jsonl file.
//
//   .tsv            tabs, no quoting (data/tsv.h); the first line names the columns
//   .csv            RFC 4180: commas, fields may be quoted and then hold commas, "" and line
//   breaks; the first line names
//                   the columns
//   .jsonl .json    a JSON object a line; text, numbers, true and false become text; the columns
//   are the first line's keys
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace data {

struct Table {
  std::filesystem::path file;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // (rows, columns)
  std::vector<int64_t> lines;  // (rows) line of the file where the row begins, from 1

  std::optional<size_t> find(const std::string& column) const;
  // Throws engine::Error that lists the columns if there is none of this name.
  size_t column(const std::string& name) const;
  std::string where(size_t row) const;  // "path:line", for a message
};

// Throws engine::Error with file, line and what was found: an ending that is none of these, an
// empty file, text that is not UTF-8, a column name that comes twice, a row with another number of
// fields, a broken quotation, a line that is not a JSON object or lacks a key.
Table read_table(const std::filesystem::path& file);

}  // namespace data
