#include "apps/common/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "apps/common/format.h"

namespace apps {
namespace {

constexpr int kGap = 2;        // spaces between columns
constexpr int kLeastCut = 10;  // a flexible column keeps at least so many

std::string padded(const std::string& cell, int width, Align align, bool keep_end) {
  const std::string shown = keep_end ? cut_front_to_width(cell, width) : cut_to_width(cell, width);
  const std::string space(static_cast<size_t>(std::max(0, width - display_width(shown))), ' ');
  return align == Align::right ? space + shown : shown + space;
}

void strip_right(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

void Table::rule() {
  if (!rows_.empty()) rules_.push_back(rows_.size());
}

std::string Table::text(int width) const {
  std::vector<int> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    int most = display_width(columns_[c].title);
    for (const auto& row : rows_) most = std::max(most, display_width(row[c]));
    widths.push_back(most);
  }
  std::vector<bool> shown(columns_.size(), true);
  const auto total = [&] {
    int sum = -kGap;
    for (size_t c = 0; c < widths.size(); ++c) sum += shown[c] ? widths[c] + kGap : 0;
    return sum;
  };
  std::string dropped;
  const std::vector<int> full = widths;
  while (width > 0 && total() > width) {
    // The widest flexible column gives one; when none can, the column with the highest `drop` goes and all get theirs back.
    int widest = -1, victim = -1;
    for (size_t c = 0; c < widths.size(); ++c) {
      if (!shown[c]) continue;
      const int least = std::max(kLeastCut, display_width(columns_[c].title));
      if (columns_[c].flexible && widths[c] > least && (widest < 0 || widths[c] > widths[static_cast<size_t>(widest)])) widest = static_cast<int>(c);
      if (columns_[c].drop > 0 && (victim < 0 || columns_[c].drop > columns_[static_cast<size_t>(victim)].drop)) victim = static_cast<int>(c);
    }
    if (widest >= 0) {
      --widths[static_cast<size_t>(widest)];
    } else if (victim >= 0) {
      shown[static_cast<size_t>(victim)] = false;
      dropped += (dropped.empty() ? "" : ", ") + columns_[static_cast<size_t>(victim)].title;
      for (size_t c = 0; c < widths.size(); ++c)
        if (shown[c]) widths[c] = full[c];
    } else {
      break;
    }
  }
  std::string out;
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t c = 0; c < columns_.size(); ++c)
      if (shown[c]) text += (text.empty() ? "" : std::string(kGap, ' ')) + padded(cell_of(c), widths[c], columns_[c].align, columns_[c].keep_end);
    strip_right(text);
    out += (width > 0 ? cut_to_width(text, width) : text) + "\n";
  };
  const auto ruled = [&] {
    std::string text;
    for (int i = 0; i < (width > 0 ? std::min(total(), width) : total()); ++i) text += "─";
    out += text + "\n";
  };
  line([&](size_t c) { return columns_[c].title; });
  ruled();
  for (size_t r = 0; r < rows_.size(); ++r) {
    if (std::find(rules_.begin(), rules_.end(), r) != rules_.end()) ruled();
    line([&](size_t c) { return rows_[r][c]; });
  }
  if (!dropped.empty()) {
    const std::string note = "(left out to fit " + std::to_string(width) + " columns: " + dropped + ")";
    out += cut_to_width(note, width) + "\n";
  }
  return out;
}

std::string Table::markdown() const {
  std::string out = "|", under = "|";
  for (const Column& column : columns_) {
    out += " " + markdown_cell(column.title) + " |";
    under += column.align == Align::right ? " ---: |" : " --- |";
  }
  out += "\n" + under + "\n";
  for (const auto& row : rows_) {
    out += "|";
    for (const std::string& cell : row) out += " " + markdown_cell(cell) + " |";
    out += "\n";
  }
  return out;
}

std::string Table::csv() const {
  std::string out;
  for (size_t c = 0; c < columns_.size(); ++c) out += (c ? "," : "") + csv_cell(columns_[c].title);
  out += "\n";
  for (const auto& row : rows_) {
    for (size_t c = 0; c < row.size(); ++c) out += (c ? "," : "") + csv_cell(row[c]);
    out += "\n";
  }
  return out;
}

bool is_terminal(int fd) { return isatty(fd) == 1; }

int terminal_width(int fd) {
  if (!is_terminal(fd)) return 0;
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char ch : text) out += ch == '"' ? "\"\"" : std::string(1, ch);
  return out + "\"";
}

std::string markdown_cell(std::string_view text) {
  std::string out;
  for (const char ch : text) {
    if (ch == '|' || ch == '\\' || ch == '<' || ch == '*' || ch == '`') out += '\\';
    out += ch == '\n' || ch == '\r' ? ' ' : ch;
  }
  return out;
}

}  // namespace apps
