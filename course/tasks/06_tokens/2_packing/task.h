// Task 6.2: a batch without padding.
#pragma once

#include <vector>

namespace task {

struct Packed {
  std::vector<int> ids;        // the tokens of all sequences under one another
  std::vector<int> starts;     // where each sequence begins, and the end: one more than sequences
  std::vector<int> positions;  // of each token in its own sequence, from 0
};

// No sequence is empty.
Packed pack(const std::vector<std::vector<int>>& sequences);

// Whether token i may attend to token j: in the same sequence, and with `causal` not behind i.
bool sees(const Packed& batch, int i, int j, bool causal);

// Rows that a batch has if every sequence is filled up to the longest of the batch, over the tokens
// that exist.
double padding_factor(const std::vector<std::vector<int>>& sequences);

}  // namespace task
