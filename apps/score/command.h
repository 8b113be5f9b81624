// Scores outputs of a table-to-text system against references.
//
//   peft score --task e2e --references testset_w_refs.csv tgen.tsv
//   peft score --task webnlg --references testdata_with_lex.xml --json scores.json outputs.txt
//   peft score --task dart --references ref0.lex,ref1.lex,ref2.lex outputs.txt
#pragma once

namespace apps {

// `peft score ARGUMENTS`; argv[0] is the program. Returns the exit code.
int score_command(int argc, const char* const* argv);

}  // namespace apps
