#include "data/tsv.h"

#include <algorithm>
#include <cstdio>

#include "data/tokenizer_files.h"
#include "data/unicode.h"
#include "engine/base/number.h"

namespace data {

void check_not_utf16(std::string_view beginning, const std::string& name) {
  const bool marked = beginning.starts_with("\xFF\xFE") || beginning.starts_with("\xFE\xFF");
  const size_t zero = beginning.substr(0, beginning.find('\n')).find('\0');
  engine::check(!marked && zero == std::string_view::npos, name,
                marked ? "is UTF-16, expected UTF-8" : "has zero bytes in its first line",
                engine::hint(marked ? "convert it: iconv -f UTF-16 -t UTF-8 IN > OUT"
                                    : "is it UTF-16 (convert it: iconv -f UTF-16LE -t UTF-8 IN > "
                                      "OUT), or no text at all?"));
}

void check_utf8(std::string_view text, const std::filesystem::path& file) {
  check_not_utf16(text, file.string());
  const size_t good = utf8_prefix(text);
  if (good == text.size()) return;
  const auto before = text.substr(0, good);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t begin = before.rfind('\n');
  const size_t column = good - (begin == std::string_view::npos ? 0 : begin + 1) + 1;
  char byte[8];
  std::snprintf(byte, sizeof byte, "0x%02X", static_cast<unsigned char>(text[good]));
  engine::fail(engine::concat(file.string(), ":", line), "byte ", column, " of the line (", byte,
               ") is not UTF-8",
               engine::hint("convert the file first, for instance with iconv -f LATIN1 -t UTF-8"));
}

TsvReader::TsvReader(const std::filesystem::path& file) : file_(file), text_(read_text(file)) {
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  size_t end = text_.size();
  while (end > at_ && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) --end;
  text_.resize(end);
  engine::check(end > at_, file.string(), "is empty");
  check_utf8(text_, file);
}

bool TsvReader::next() {
  fields_.clear();
  if (at_ >= text_.size()) return false;
  const size_t end = std::min(text_.find('\n', at_), text_.size());
  std::string_view line(text_.data() + at_, end - at_);
  if (line.ends_with('\r')) line.remove_suffix(1);
  at_ = end + 1;
  ++line_;
  for (size_t begin = 0;;) {
    const size_t tab = line.find('\t', begin);
    fields_.push_back(line.substr(begin, tab - begin));
    if (tab == std::string_view::npos) return true;
    begin = tab + 1;
  }
}

std::string TsvReader::where() const { return engine::concat(file_.string(), ":", line_); }

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return lower;
}

bool parse_number(std::string_view text, double& value) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto found = engine::to_number<double>(text);
  if (found) value = *found;
  return found.has_value();
}

}  // namespace data
