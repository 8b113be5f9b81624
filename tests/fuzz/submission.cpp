// A file of predictions for GLUE's site.
#include "apps/compare/submission.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  if (input.empty()) return;
  const auto& files = apps::submission_files();
  apps::SubmissionFile file = files[static_cast<unsigned char>(input[0]) % files.size()];
  file.rows = 3;  // an input is small
  const auto path = fuzz::folder().write("submission.tsv", input.substr(1));
  if (apps::read_submission(file, path) != input.substr(1)) std::abort();
}
