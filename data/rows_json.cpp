#include "data/row_lines.h"
#include "engine/io/json_parse.h"

namespace data {
namespace {

using OrderedJson = nlohmann::ordered_json;
using engine::check;
using engine::hint;

constexpr int kDeepest = 64;  // an object of a person's table is flat, or nearly

// What Python's json writes and JSON does not have: NaN and Infinity become null, one half of a
// surrogate pair U+FFFD.
std::string repaired(std::string_view text) {
  std::string out;
  bool in_string = false;
  const auto hex = [&](size_t at) {
    uint32_t value = 0;
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return uint32_t{0};
    for (size_t i = at + 2; i < at + 6; ++i) {
      const char c = text[i];
      value = value * 16 + static_cast<uint32_t>(c >= '0' && c <= '9'   ? c - '0'
                                                 : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                 : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                                        : 0);
    }
    return value;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      const uint32_t code = hex(i);
      if (code >= 0xD800 && code < 0xDC00) {
        const uint32_t low = hex(i + 6);
        if (low >= 0xDC00 && low < 0xE000) {
          out += text.substr(i, 12);
          i += 11;
          continue;
        }
      }
      if (code >= 0xD800 && code < 0xE000) {
        out += "\\ufffd";
        i += 5;
        continue;
      }
      out += c;
      if (i + 1 < text.size()) out += text[++i];
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (!in_string) {
      bool replaced = false;
      for (const std::string_view word : {"NaN", "-Infinity", "Infinity"})
        if (text.substr(i).starts_with(word)) {
          out += "null";
          i += word.size() - 1;
          replaced = true;
          break;
        }
      if (replaced) continue;
    }
    out += c;
  }
  return out;
}

// A discarded value for what is no JSON.
OrderedJson parse_row(std::string_view text, const std::string& where) {
  using engine::json_detail::parse;
  auto parsed = parse<OrderedJson>(text, kDeepest);
  if (parsed.at > 0) parsed = parse<OrderedJson>(repaired(text), kDeepest);
  check(parsed.problem.empty() || parsed.at > 0, where, parsed.problem);
  return std::move(parsed.json);
}

class JsonRows final : public RowReader {
 public:
  JsonRows(std::istream& in, const std::string& name) : RowReader(name), lines_(in, name) {
    check(read(ahead_), name, "is empty");
    std::vector<std::string> keys;
    for (const auto& [key, value] : ahead_.object.items()) keys.push_back(key);
    set_columns(std::move(keys));
    fill(ahead_);
    have_ = true;
  }
  bool next(Row& row) override {
    if (have_) {
      row = std::move(ahead_);
      have_ = false;
      return true;
    }
    if (!read(row)) return false;
    fill(row);
    return true;
  }

 private:
  bool read(Row& row) {
    if (at_ < array_.size()) {
      row.object = std::move(array_[at_++]);
      row.line = static_cast<int64_t>(at_);
      check_object(row);
      return true;
    }
    for (std::string line; array_.empty() && lines_.next(line);) {
      const size_t first = line.find_first_not_of(" \t");
      if (first == std::string::npos) continue;
      if (line[first] == '[' && columns_.empty()) {  // one array of objects: all of it at once
        for (std::string more; lines_.next(more);) line += '\n' + more;
        OrderedJson all = parse_row(line, name_);
        check(all.is_array() && !all.empty(), name_, "begins with '[' and is not an array of rows");
        array_ = all.get<std::vector<OrderedJson>>();
        return read(row);
      }
      row.line = lines_.number();
      row.object = parse_row(line, where(row));
      check_object(row);
      return true;
    }
    return false;
  }
  void check_object(const Row& row) const {
    check(row.object.is_object(), where(row), "is not a JSON object",
          hint("JSON lines have one object a line: {\"text\": \"...\", \"label\": \"...\"}"));
  }
  void fill(Row& row) const {
    row.cells.assign(columns_.size(), "");
    for (size_t c = 0; c < columns_.size(); ++c)
      if (const auto it = row.object.find(columns_[c]); it != row.object.end()) {
        if (it->is_string())
          row.cells[c] = it->get<std::string>();
        else if (!it->is_null())
          row.cells[c] = it->dump();
      }
  }

  Lines lines_;
  Row ahead_;
  bool have_ = false;
  std::vector<OrderedJson> array_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<RowReader> json_rows(std::istream& in, const std::string& name) {
  return std::make_unique<JsonRows>(in, name);
}

}  // namespace data
