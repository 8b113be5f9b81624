#include "apps/common/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "apps/common/format.h"

namespace apps {
namespace {

constexpr int kGap = 2;  // spaces between columns

std::string padded(const std::string& cell, int width, Align align, Fit fit) {
  const std::string shown =
      fit == Fit::cut_front ? cut_front_to_width(cell, width) : cut_to_width(cell, width);
  const std::string space(static_cast<size_t>(std::max(0, width - display_width(shown))), ' ');
  return align == Align::right ? space + shown : shown + space;
}

// A cell in lines of at most `width` columns, broken after a separator where one is in the last two
// thirds of a line.
std::vector<std::string> wrapped(std::string cell, int width) {
  std::vector<std::string> lines;
  while (display_width(cell) > width) {
    size_t fits = 0, good = 0;
    for (size_t at = 0; at < cell.size(); ++at) {
      if (at + 1 < cell.size() && (static_cast<unsigned char>(cell[at + 1]) & 0xC0) == 0x80)
        continue;  // within a character
      const int used = display_width(std::string_view(cell).substr(0, at + 1));
      if (used > width) break;
      fits = at + 1;
      if (std::string_view(",:+ =").find(cell[at]) != std::string_view::npos && 3 * used >= width)
        good = at + 1;
    }
    const size_t end = std::max<size_t>(good ? good : fits, 1);
    lines.push_back(cell.substr(0, end));
    cell.erase(0, end);
  }
  lines.push_back(cell);
  return lines;
}

void strip_right(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

void Table::rule() {
  if (!rows_.empty()) breaks_.push_back({rows_.size(), ""});
}

void Table::section(std::string title) { breaks_.push_back({rows_.size(), std::move(title)}); }

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
    // The widest of those that may be cut or wrapped gives one; when none can, the column with the
    // highest `drop` goes and all get theirs back.
    int widest = -1, victim = -1;
    for (size_t c = 0; c < widths.size(); ++c) {
      if (!shown[c]) continue;
      const int least = std::max(columns_[c].least, display_width(columns_[c].title));
      if (columns_[c].fit != Fit::fixed && widths[c] > least &&
          (widest < 0 || widths[c] > widths[static_cast<size_t>(widest)]))
        widest = static_cast<int>(c);
      if (columns_[c].drop > 0 &&
          (victim < 0 || columns_[c].drop > columns_[static_cast<size_t>(victim)].drop))
        victim = static_cast<int>(c);
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
      if (shown[c])
        text += (text.empty() ? "" : std::string(kGap, ' ')) +
                padded(cell_of(c), widths[c], columns_[c].align, columns_[c].fit);
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
    for (const Break& b : breaks_) {
      if (b.row != r) continue;
      if (r > 0) ruled();
      if (!b.title.empty()) out += (width > 0 ? cut_to_width(b.title, width) : b.title) + "\n";
    }
    std::vector<std::vector<std::string>> lines(columns_.size());
    size_t height = 1;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].fit == Fit::wrap && shown[c])
        lines[c] = wrapped(rows_[r][c], widths[c]);
      else
        lines[c] = {rows_[r][c]};
      height = std::max(height, lines[c].size());
    }
    for (size_t i = 0; i < height; ++i)
      line([&](size_t c) { return i < lines[c].size() ? lines[c][i] : std::string(); });
  }
  if (!dropped.empty()) {
    const std::string note =
        "(left out to fit " + std::to_string(width) + " columns: " + dropped + ")";
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
