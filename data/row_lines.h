// What the readers of data/rows.h share. Internal to data/.
#pragma once

#include <cstdio>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows.h"
#include "data/tsv.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The next line without its end, counted; false at the end of the stream.
class Lines {
 public:
  Lines(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {}

  bool next(std::string& line) {
    if (!std::getline(in_, line)) return false;
    ++number_;
    if (number_ == 1) check_not_utf16(line, name_);
    if (number_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    if (line.ends_with('\r')) line.pop_back();
    if (const size_t good = utf8_prefix(line); good != line.size()) {
      char byte[8];
      std::snprintf(byte, sizeof byte, "0x%02X", static_cast<unsigned char>(line[good]));
      engine::fail(
          engine::concat(name_, ":", number_), "byte ", good + 1, " of the line (", byte,
          ") is not UTF-8",
          engine::hint("convert the file first, for instance with iconv -f LATIN1 -t UTF-8"));
    }
    return true;
  }
  int64_t number() const { return number_; }

 private:
  std::istream& in_;
  std::string name_;
  int64_t number_ = 0;
};

inline void check_fields(const std::vector<std::string>& cells,
                         const std::vector<std::string>& columns, const std::string& name,
                         int64_t line) {
  engine::check(cells.size() == columns.size(), engine::concat(name, ":", line), "has ",
                cells.size(), " fields, expected ", columns.size(), " (", listed(columns), ")");
}

// Names of columns without the blanks around them: "text, label" names "label".
inline std::vector<std::string> trimmed(std::vector<std::string> names) {
  for (std::string& name : names) {
    const size_t first = name.find_first_not_of(" \t"), last = name.find_last_not_of(" \t");
    name = first == std::string::npos ? "" : name.substr(first, last - first + 1);
  }
  return names;
}

// rows_csv.cpp and rows_json.cpp
std::unique_ptr<RowReader> csv_rows(std::istream& in, const std::string& name);
std::unique_ptr<RowReader> json_rows(std::istream& in, const std::string& name);

}  // namespace data
