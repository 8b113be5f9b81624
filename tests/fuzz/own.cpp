// Own data with labels: which columns, classes and rows it has. The first byte chooses the ending.
#include "data/own.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.empty()) return;
  const char* endings[] = {".csv", ".tsv", ".jsonl"};
  const auto first = static_cast<unsigned char>(input[0]);
  data::OwnData own;
  own.train = fuzz::folder().write(std::string("own") + endings[first % 3], input.substr(1));
  own.kind = first & 64 ? "regress" : first & 128 ? "multilabel" : "classify";
  data::load_own(own);
}
