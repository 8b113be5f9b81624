// Outputs of a system with the references that belong to them, for scoring.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/metrics/corpus.h"
#include "data/table_text/table_text.h"

namespace data {

struct Outputs {
  metrics::Texts texts;            // as the files have them, trimmed
  std::vector<TableEntry> tables;  // of each hypothesis; empty where references are plain lines
  std::vector<std::string> notes;  // what a person should know: empty hypotheses, ...
};

// `hypotheses`: a line each; or for E2E a .tsv or .csv with columns of tables and outputs ("MR",
// "output"), whose order may be any.
// `references`: one file or folder of tables with texts (read_tables); or plain lines: several
// files with a reference for each hypothesis, an empty line where there is none; or one file with a
// line each, or with blocks of lines and an empty line between them (E2E's script).
//
// Throws engine::Error that names the line: hypotheses too few or too many, a table without
// references, no reference for a hypothesis, text that is not UTF-8.
Outputs read_outputs(TableTask task, const std::filesystem::path& hypotheses,
                     const std::vector<std::filesystem::path>& references);

}  // namespace data
