// Tab-separated files as GLUE has them: no quoting at all. A quotation mark is a letter like any
// other, and a field cannot hold a tab or a line break (MRPC and others have unbalanced quotation
// marks, which a CSV reader would trip over).
//
// A byte order mark is skipped, CRLF is read like LF, blank lines at the end of the file are not
// rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace data {

class TsvReader {
 public:
  // Reads the whole file. Throws engine::Error if it cannot be opened, is empty, or is not UTF-8
  // (with line and byte).
  explicit TsvReader(const std::filesystem::path& file);
  TsvReader(const TsvReader&) = delete;
  TsvReader& operator=(const TsvReader&) = delete;

  // The next line, cut at its tabs: a line has at least one field. False at the end.
  bool next();
  const std::vector<std::string_view>& fields() const { return fields_; }  // views into this reader
  int64_t line() const { return line_; }                                   // of the fields, from 1
  std::string where() const;  // "path:line", for a message
  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::string text_;
  size_t at_ = 0;
  int64_t line_ = 0;
  std::vector<std::string_view> fields_;
};

// "a, b, c", for messages that list what there is.
std::string listed(const std::vector<std::string>& names);
// Lower case of ASCII letters; other bytes stay.
std::string ascii_lower(std::string_view text);
// The finite number that the whole of `text` is (spaces around it allowed); false if it is none.
bool parse_number(std::string_view text, double& value);
// Throws engine::Error if a file that begins so is UTF-16, which is no UTF-8 with some bytes amiss.
void check_not_utf16(std::string_view beginning, const std::string& name);
// Throws engine::Error with line and byte if the text is not UTF-8.
void check_utf8(std::string_view text, const std::filesystem::path& file);

}  // namespace data
