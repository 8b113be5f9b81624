// Texts for a language model: plain, JSON lines with chats or completions, tables. The first byte
// chooses the ending.
#include "data/language/rows.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.empty()) return;
  const char* endings[] = {".txt", ".jsonl", ".csv", ".tsv", ".xz"};
  data::read_language_file(
      "data",
      fuzz::folder().write(std::string("texts") + endings[static_cast<unsigned char>(input[0]) % 5],
                           input.substr(1)));
}
