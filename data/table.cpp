#include "data/table.h"

#include <fstream>

#include "data/rows.h"
#include "data/tsv.h"
#include "engine/base/error.h"
#include "engine/base/plain_file.h"

namespace data {

std::optional<size_t> Table::find(const std::string& name) const {
  return find_column(columns, name, file.string());
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
  const Format format = format_of(file);
  engine::check_plain_file(file);
  std::ifstream in(file, std::ios::binary);
  engine::check(in.good(), file.string(), "cannot be opened");
  const auto rows = open_rows(in, format, file.string());
  Table table;
  table.file = file;
  table.columns = rows->columns();
  for (Row row; rows->next(row);) {
    // What JSON lines lack, or what is no text there, is an error only where it is used.
    if (row.object.is_object())
      for (size_t c = 0; c < table.columns.size(); ++c) {
        const auto it = row.object.find(table.columns[c]);
        if (it == row.object.end() || !it->is_primitive())
          table.unusable.emplace(table.rows.size(), c);
      }
    table.lines.push_back(row.line);
    table.rows.push_back(std::move(row.cells));
  }
  engine::check(!table.rows.empty(), file.string(),
                table.columns.empty() ? "is empty" : "has column names but no rows");
  return table;
}

const std::string& Table::text(size_t row, size_t at) const {
  engine::check(!unusable.contains({row, at}), where(row), "has no text or number in '",
                columns[at], "'", rows[row][at].empty() ? "" : ": ", rows[row][at]);
  return rows[row][at];
}

}  // namespace data
