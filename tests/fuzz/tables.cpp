// Tables with texts: WebNLG's and DART's XML and JSON, E2E's CSV and lines. The first byte chooses.
#include "data/table_text/linearize.h"
#include "data/table_text/table_text.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.empty()) return;
  const auto first = static_cast<unsigned char>(input[0]);
  const char* endings[] = {".xml", ".json", ".jsonl", ".csv", ".txt"};
  const auto task = static_cast<data::TableTask>(first / 8 % 3);
  const auto set = data::read_tables(
      task, fuzz::folder().write(std::string("t") + endings[first % 5], input.substr(1)));
  for (const auto& entry : set.entries) data::linearize(entry, task, data::Linearization::lora);
}
