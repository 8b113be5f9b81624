// Words with tags: CoNLL's columns or JSON lines.
#include "data/tagged.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.empty()) return;
  data::OwnData own;
  own.train = fuzz::folder().write(input[0] & 1 ? "t.jsonl" : "t.txt", input.substr(1));
  own.kind = "tag";
  data::load_tagged(own);
}
