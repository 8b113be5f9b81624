// The readers behind read_tables, one a format.
#pragma once

#include "data/table_text/table_text.h"

namespace data {

void read_e2e_table(const std::filesystem::path& file, TableSet& set);   // .csv .tsv
void read_e2e_lines(const std::filesystem::path& file, TableSet& set);   // .txt
void read_table_xml(const std::filesystem::path& file, TableSet& set);   // WebNLG, DART
void read_table_json(const std::filesystem::path& file, TableSet& set);  // WebNLG, DART
void read_table_jsonl(const std::filesystem::path& file, TableSet& set);

}  // namespace data
