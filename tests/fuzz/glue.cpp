// GLUE's own files; the first byte chooses the task.
#include "data/glue.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.empty()) return;
  const char* tasks[] = {"cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"};
  fuzz::folder().write("train.tsv", input.substr(1));
  data::load_glue(fuzz::folder().path(), tasks[static_cast<unsigned char>(input[0]) % 9]);
}
