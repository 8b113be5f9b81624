#include <algorithm>

#include "task.h"

namespace task {

Packed pack(const std::vector<std::vector<int>>& sequences) {
  Packed p;
  p.starts.push_back(0);
  for (const auto& sequence : sequences) {
    for (size_t i = 0; i < sequence.size(); ++i) p.positions.push_back(static_cast<int>(i));
    p.ids.insert(p.ids.end(), sequence.begin(), sequence.end());
    p.starts.push_back(static_cast<int>(p.ids.size()));
  }
  return p;
}

bool sees(const Packed& batch, int i, int j, bool causal) {
  if (causal && j > i) return false;
  const auto sequence = [&](int token) {
    return std::upper_bound(batch.starts.begin(), batch.starts.end(), token);
  };
  return sequence(i) == sequence(j);
}

double padding_factor(const std::vector<std::vector<int>>& sequences) {
  size_t tokens = 0, longest = 0;
  for (const auto& sequence : sequences) {
    tokens += sequence.size();
    longest = std::max(longest, sequence.size());
  }
  return static_cast<double>(longest * sequences.size()) / static_cast<double>(tokens);
}

}  // namespace task
