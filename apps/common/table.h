// Tables for a terminal, for Markdown and for spreadsheets, from the same cells.
//
//   Table table({{"strategy"}, {"trainable", Align::right}});
//   table.add({"bitfit", "102,914"});
//   std::cout << table.text(terminal_width());
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace apps {

enum class Align { left, right };

// What happens to a column when the terminal is narrow.
enum class Fit {
  fixed,      // nothing
  cut,        // "a long te…"
  cut_front,  // "…self.query": for paths, whose end tells them apart
  wrap,       // goes on in the next line, after ',' ':' '+' or a space where there is one
};

struct Column {
  std::string title;
  Align align = Align::left;
  Fit fit = Fit::fixed;
  int drop = 0;    // > 0: may be left out when fitting the others is not enough, the highest first
  int least = 14;  // columns that it keeps when it is cut or wrapped, if it has as many
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> cells);  // missing cells are empty
  void rule();                      // a line between the rows above and below (terminal only)
  void section(std::string title);  // the same with a title above the rows that follow
  size_t rows() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }

  // Aligned columns, each line ended by "\n" and at most `width` columns wide (0: any width).
  // Columns are cut or wrapped and then dropped to fit; a last line names the dropped ones.
  std::string text(int width = 0) const;
  std::string markdown() const;
  // RFC 4180 with a header: cells with comma, quote or line break are quoted. Cells are written as
  // they are, so give plain numbers if a program is to read them.
  std::string csv() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  struct Break {
    size_t row;  // before which a line stands
    std::string title;
  };
  std::vector<Break> breaks_;
};

// Whether a file descriptor (1: stdout, 2: stderr) is a terminal.
bool is_terminal(int fd);
// Its columns; 80 for a terminal that does not say, 0 (no limit) for what is no terminal.
int terminal_width(int fd = 1);

// One cell as CSV and as Markdown would have it.
std::string csv_cell(std::string_view text);
std::string markdown_cell(std::string_view text);

}  // namespace apps
