// A comparison as the papers set it out: strategies as rows, tasks as columns, one chosen setting a
// cell, and which differences are larger than their error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/compare/runs.h"

namespace apps {

enum class Mark {
  none,
  best,   // the best mean, and better than every other row by more than the error
  close,  // not told apart from the best mean (the best itself then is close, too)
};

// One strategy on one task. Of several settings (learning rates), the one with the best mean score
// over the seeds that all of them have.
struct Cell {
  const Group* group = nullptr;  // null: no run
  int settings = 0;              // that it was chosen from
  std::string how;  // "lr=0.002, the best of 3 by the mean over seed 1"; empty for one setting
  Mark mark = Mark::none;
};

struct Row {
  std::string model, spec, strategy;
  std::vector<Cell> cells;           // a task each
  std::vector<double> by_seed;       // average over all tasks, of the seeds that every cell has
  std::vector<int64_t> seeds;        // of these
  std::optional<Statistic> average;  // over the tasks, if the row has all of them and there are two
  Mark average_mark = Mark::none;
  const Run& any() const;  // a run of the row
};

struct Summary {
  const Comparison* comparison = nullptr;  // must outlive this
  std::vector<std::string> tasks;
  std::vector<Row> rows;  // by model, then by trainable parameters
  bool glue = false;      // all nine tasks of GLUE: the average is GLUE's
  bool paired = false;    // some difference could be tested (two seeds in common)
};

Summary summarise(const Comparison& comparison);

// Scores of the seeds that both groups have, in the same order.
struct PairedScores {
  std::vector<double> a, b;
};
PairedScores shared_seeds(const Group& a, const Group& b);

// Rows on the frontier of a task: no other of the same model has a better mean score with as few
// trainable parameters. By trainable parameters; indices of `rows`.
std::vector<size_t> frontier(const Summary& summary, size_t task, const std::string& model);

}  // namespace apps
