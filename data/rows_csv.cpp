#include <csv.h>

#include <algorithm>
#include <deque>

#include "data/row_lines.h"

namespace data {
namespace {

using engine::check;
using engine::concat;
using engine::hint;

class CsvRows final : public RowReader {
 public:
  CsvRows(std::istream& in, const std::string& name) : RowReader(name), in_(in) {
    check(csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) == 0, name,
          "libcsv does not start");
    // Spaces around a field belong to it.
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });
    Row header;
    check(take(header), name, "is empty");
    set_columns(trimmed(std::move(header.cells)));
  }
  ~CsvRows() override { csv_free(&parser_); }
  bool next(Row& row) override {
    if (!take(row)) return false;
    check_fields(row.cells, columns_, name_, row.line);
    return true;
  }

 private:
  bool take(Row& row) {
    while (ready_.empty() && !ended_) feed();
    if (ready_.empty()) {
      if (!problem_.empty()) throw engine::Error(problem_);
      return false;
    }
    row = std::move(ready_.front());
    ready_.pop_front();
    return true;
  }

  void feed() {
    char bytes[1 << 15];
    in_.read(bytes, sizeof bytes);
    auto n = static_cast<size_t>(in_.gcount());
    char* begin = bytes;
    if (first_) check_not_utf16({bytes, n}, name_);
    if (first_ && std::string_view(bytes, n).starts_with(kByteOrderMark)) {
      begin += kByteOrderMark.size();
      n -= kByteOrderMark.size();
    }
    first_ = false;
    bool good = n == 0 || csv_parse(&parser_, begin, n, on_field, on_row, this) == n;
    if (good && !in_) {
      ended_ = true;
      good = csv_fini(&parser_, on_field, on_row, this) == 0;
    }
    if (good) return;
    ended_ = true;
    problem_ =
        concat(name_, ":", line_, ": broken quotation (", csv_strerror(csv_error(&parser_)), ")",
               hint("a field with a quotation mark is quoted, and the mark in it is doubled: \"say "
                    "\"\"hi\"\"\""));
  }

  // An exception must not pass through C, so a problem is kept and thrown by take().
  static void on_field(void* field, size_t length, void* user) {
    auto& self = *static_cast<CsvRows*>(user);
    if (self.row_.cells.empty()) self.row_.line = self.line_;
    const std::string& cell = self.row_.cells.emplace_back(static_cast<const char*>(field), length);
    if (self.problem_.empty() && utf8_prefix(cell) != cell.size())
      self.problem_ = concat(
          self.name_, ":", self.line_, ": the field ", self.row_.cells.size(), " is not UTF-8",
          hint("convert the file first, for instance with iconv -f LATIN1 -t UTF-8"));
    self.line_ += std::count(cell.begin(), cell.end(), '\n');
  }
  // `end` is the byte that ended the row, -1 at the end of the file. CRLF calls twice, the second
  // time without fields.
  static void on_row(int end, void* user) {
    auto& self = *static_cast<CsvRows*>(user);
    if (!self.row_.cells.empty() && self.problem_.empty())
      self.ready_.push_back(std::move(self.row_));
    self.row_ = {};
    if (end == '\n') ++self.line_;
    if (!self.problem_.empty()) self.ended_ = true;
  }

  std::istream& in_;
  csv_parser parser_;
  std::deque<Row> ready_;
  Row row_;
  int64_t line_ = 1;
  bool first_ = true, ended_ = false;
  std::string problem_;
};

}  // namespace

std::unique_ptr<RowReader> csv_rows(std::istream& in, const std::string& name) {
  return std::make_unique<CsvRows>(in, name);
}

}  // namespace data
