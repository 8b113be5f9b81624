// A person's own table; the first byte says in which format.
#include "data/rows.h"

#include <sstream>

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.empty()) return;
  const auto format = static_cast<data::Format>(static_cast<unsigned char>(input[0]) % 4);
  std::istringstream in{std::string(input.substr(1))};
  std::ostringstream out;
  const auto rows = data::open_rows(in, format, "input");
  data::RowWriter writer(out, format, rows->columns(), {"prediction"});
  for (data::Row row; rows->next(row);) {
    if (!rows->columns().empty()) rows->text(row, 0);
    writer.write(row, {"x"});
  }
}
