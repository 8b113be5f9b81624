// Outputs of a system, a zero byte, and their references. The first byte chooses the formats.
#include "data/table_text/outputs.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.empty()) return;
  const auto first = static_cast<unsigned char>(input[0]);
  const auto [texts, references] = fuzz::halves(input.substr(1));
  const char* endings[] = {".txt", ".xml", ".json", ".csv"};
  const auto hypotheses = fuzz::folder().write(first & 64 ? "out.csv" : "out.txt", texts);
  data::read_outputs(static_cast<data::TableTask>(first / 4 % 3), hypotheses,
                     {fuzz::folder().write(std::string("ref") + endings[first % 4], references)});
}
