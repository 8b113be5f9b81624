// Outputs of published systems in shared/data/nlg, with their references.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "data/metrics/corpus.h"
#include "data/table.h"

namespace testing {

inline std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file, std::ios::binary);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Hypotheses a line, and a file of references a number, a line each.
inline data::metrics::Texts lines_with_references(const std::filesystem::path& hypotheses,
                                                  const std::vector<std::filesystem::path>& files) {
  data::metrics::Texts texts;
  texts.hypotheses = lines_of(hypotheses);
  texts.references.resize(texts.hypotheses.size());
  for (const auto& file : files) {
    const std::vector<std::string> lines = lines_of(file);
    for (size_t i = 0; i < texts.size(); ++i) texts.references[i].push_back(lines.at(i));
  }
  return texts;
}

}  // namespace testing
