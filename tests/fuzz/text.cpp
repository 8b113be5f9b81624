// Plain or .xz text for pretraining.
#include "data/text_source.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  data::TextSource source(fuzz::folder().write("text", input));
  int64_t bytes = 0;
  for (std::string line; bytes < (1 << 22) && source.line(line);)
    bytes += static_cast<int64_t>(line.size()) + 1;
}
