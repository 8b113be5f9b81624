// A submission to GLUE's site (gluebenchmark.com): one zip with eleven files of predictions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/compare/summary.h"

namespace apps {

// One file of the site, and what its lines may hold.
struct SubmissionFile {
  std::string name;                 // "MNLI-m.tsv"
  std::string task;                 // of the run that predicts it: "mnli" (for AX.tsv, too)
  int64_t rows = 0;                 // of the official test set
  std::vector<std::string> labels;  // empty: a score from 0 to 5
};
const std::vector<SubmissionFile>& submission_files();
// The bytes of such a file. Throws engine::Error if it is not what the site takes: rows, order,
// labels.
std::string read_submission(const SubmissionFile& file, const std::filesystem::path& path);

struct Submission {
  std::string zip;                 // the bytes of the archive: the same for the same runs
  std::vector<std::string> lines;  // a line a file: which run it is of, or that nothing is
};

// Of every task the chosen setting with the best mean score on the dev set (or that of the strategy
// `spec`), and of it the seed with the best score. The site takes nothing but all eleven files: one
// without a run is filled with one label, which lines says. Throws engine::Error if a run's file is
// not what the site takes (rows, order, labels), or if no task of GLUE has a run.
Submission make_submission(const Summary& summary, const std::string& spec = "");

}  // namespace apps
