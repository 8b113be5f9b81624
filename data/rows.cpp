#include "data/rows.h"

#include <algorithm>
#include <istream>
#include <ostream>
#include <streambuf>

#include "data/row_lines.h"

namespace data {
namespace {

using OrderedJson = nlohmann::ordered_json;
using engine::check;
using engine::concat;
using engine::hint;

class TsvRows final : public RowReader {
 public:
  TsvRows(std::istream& in, const std::string& name) : RowReader(name), lines_(in, name) {
    std::string line;
    check(lines_.next(line) && !line.empty(), name, "is empty");
    set_columns(trimmed(split(line)));
  }
  bool next(Row& row) override {
    // Empty lines are rows of a table with one column, but not those at the end of the file.
    while (!have_) {
      if (!lines_.next(line_)) return false;
      have_ = !line_.empty();
      empty_ += !have_ && columns_.size() == 1;
    }
    row.line = lines_.number() - empty_;
    row.cells = empty_ > 0 ? std::vector<std::string>{""} : split(line_);
    have_ = empty_ > 0;
    if (empty_ > 0) --empty_;
    check_fields(row.cells, columns_, name_, row.line);
    return true;
  }

 private:
  static std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> cells;
    for (size_t begin = 0;;) {
      const size_t tab = line.find('\t', begin);
      cells.push_back(line.substr(begin, tab - begin));
      if (tab == std::string::npos) return cells;
      begin = tab + 1;
    }
  }

  Lines lines_;
  std::string line_;  // read already, if have_
  bool have_ = false;
  int64_t empty_ = 0;  // lines before it
};

class LineRows final : public RowReader {
 public:
  LineRows(std::istream& in, const std::string& name) : RowReader(name), lines_(in, name) {
    set_columns({"text"});
  }
  bool next(Row& row) override {
    row.cells.resize(1);
    if (!lines_.next(row.cells[0])) return false;
    row.line = lines_.number();
    return true;
  }

 private:
  Lines lines_;
};

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string tsv_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\t')
      out += "\\t";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else
      out += c;
  }
  return out;
}

Format parse_format(std::string_view name) {
  if (name == "tsv") return Format::tsv;
  if (name == "csv") return Format::csv;
  if (name == "jsonl" || name == "json") return Format::jsonl;
  if (name == "lines") return Format::lines;
  engine::fail("format", "there is no format '", name, "'",
               hint("known are tsv, csv, jsonl and lines"));
}

Format format_of(const std::filesystem::path& file) {
  const std::string ending = ascii_lower(file.extension().string());
  if (ending == ".tsv") return Format::tsv;
  if (ending == ".csv") return Format::csv;
  if (ending == ".jsonl" || ending == ".json" || ending == ".ndjson") return Format::jsonl;
  if (ending == ".txt") return Format::lines;
  engine::fail(file.string(), "the ending '", ending, "' is not known",
               hint("known are .tsv, .csv and .jsonl"));
}

std::optional<size_t> find_column(const std::vector<std::string>& columns, const std::string& name,
                                  const std::string& where) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return std::nullopt;
  check(std::find(found + 1, columns.end(), name) == columns.end(), where, "the column '", name,
        "' is named twice", hint("give each column that is used a name of its own"));
  return static_cast<size_t>(found - columns.begin());
}

std::optional<size_t> RowReader::find(const std::string& column) const {
  return find_column(columns_, column, name_);
}

const std::string& RowReader::text(const Row& row, size_t column) const {
  if (row.object.is_object()) {
    const auto it = row.object.find(columns_[column]);
    check(it != row.object.end(), where(row), "has no '", columns_[column],
          "', which the first line has");
    check(it->is_primitive(), where(row), "'", columns_[column], "' is ", it->dump(),
          ", expected text or a number");
  }
  return row.cells[column];
}

std::string RowReader::where(const Row& row) const { return concat(name_, ":", row.line); }

std::unique_ptr<RowReader> open_rows(std::istream& in, Format format, const std::string& name) {
  switch (format) {
    case Format::tsv:
      return std::make_unique<TsvRows>(in, name);
    case Format::csv:
      return csv_rows(in, name);
    case Format::jsonl:
      return json_rows(in, name);
    case Format::lines:
      break;
  }
  return std::make_unique<LineRows>(in, name);
}

Format sniff_format(std::string_view first_line, const std::vector<std::string>& columns) {
  if (first_line.starts_with(kByteOrderMark)) first_line.remove_prefix(kByteOrderMark.size());
  const size_t first = first_line.find_first_not_of(" \t");
  if (first != std::string_view::npos && (first_line[first] == '{' || first_line[first] == '['))
    return Format::jsonl;
  for (const auto& [format, mark] : {std::pair(Format::tsv, '\t'), std::pair(Format::csv, ',')}) {
    std::string_view rest = first_line;
    while (rest.ends_with('\r') || rest.ends_with('\n')) rest.remove_suffix(1);
    for (bool more = true; more;) {
      const size_t end = rest.find(mark);
      std::string_view name = rest.substr(0, end);
      if (name.size() > 1 && name.starts_with('"') && name.ends_with('"'))
        name = name.substr(1, name.size() - 2);
      if (std::find(columns.begin(), columns.end(), name) != columns.end()) return format;
      more = end != std::string_view::npos;
      if (more) rest.remove_prefix(end + 1);
    }
  }
  return Format::lines;
}

namespace {

// Gives a line that was taken, then the rest of the stream.
class Replay final : public std::streambuf {
 public:
  Replay(std::istream& rest, std::string line) : in_(rest), buffer_(std::move(line)) {
    setg(buffer_.data(), buffer_.data(), buffer_.data() + buffer_.size());
  }

 private:
  int_type underflow() override {
    buffer_.resize(1 << 15);
    in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    setg(buffer_.data(), buffer_.data(), buffer_.data() + in_.gcount());
    return in_.gcount() == 0 ? traits_type::eof() : traits_type::to_int_type(buffer_[0]);
  }

  std::istream& in_;
  std::string buffer_;
};

class ReplayStream final : public std::istream {
 public:
  ReplayStream(std::istream& rest, std::string line)
      : std::istream(nullptr), replay_(rest, std::move(line)) {
    rdbuf(&replay_);
  }

 private:
  Replay replay_;
};

}  // namespace

std::unique_ptr<std::istream> look_at_first_line(std::istream& in, std::string& line) {
  std::getline(in, line);
  return std::make_unique<ReplayStream>(in, in.eof() ? line : line + '\n');
}

RowWriter::RowWriter(std::ostream& out, Format format, const std::vector<std::string>& columns,
                     const std::vector<std::string>& added)
    : out_(out), format_(format), columns_(columns), added_(added) {
  for (std::string& name : added_) {
    const std::string plain = name;
    const auto taken = [&](const std::string& n) {
      return std::count(columns_.begin(), columns_.end(), n) > 0;
    };
    for (int i = 2; taken(name); ++i) name = plain + "_" + std::to_string(i);
  }
  if (format_ == Format::jsonl || format_ == Format::lines) return;
  bool first = true;
  for (const auto* names : {&columns_, &added_})
    for (const std::string& name : *names) {
      if (!first) out_ << (format_ == Format::csv ? ',' : '\t');
      out_ << (format_ == Format::csv ? csv_cell(name) : tsv_cell(name));
      first = false;
    }
  out_ << '\n';
}

void RowWriter::write(const Row& row, const std::vector<OrderedJson>& values) {
  if (format_ == Format::jsonl) {
    OrderedJson object = row.object;
    if (!object.is_object()) {
      object = OrderedJson::object();
      for (size_t c = 0; c < columns_.size(); ++c) object[columns_[c]] = row.cells[c];
    }
    for (size_t i = 0; i < added_.size(); ++i) object[added_[i]] = values[i];
    out_ << object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) << '\n';
    return;
  }
  const char between = format_ == Format::csv ? ',' : '\t';
  const auto cell = [&](const std::string& text) {
    return format_ == Format::csv ? csv_cell(text) : tsv_cell(text);
  };
  bool first = true;
  if (format_ != Format::lines)
    for (const std::string& text : row.cells) {
      if (!first) out_ << between;
      out_ << cell(text);
      first = false;
    }
  for (const OrderedJson& value : values) {
    if (!first) out_ << between;
    out_ << cell(value.is_string() ? value.get<std::string>() : value.dump());
    first = false;
  }
  out_ << '\n';
}

}  // namespace data
