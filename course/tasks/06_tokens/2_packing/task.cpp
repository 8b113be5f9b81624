#include "task.h"

#include "course/lib/check.h"

namespace task {

Packed pack(const std::vector<std::vector<int>>& sequences) { course::todo(); }

bool sees(const Packed& batch, int i, int j, bool causal) { course::todo(); }

double padding_factor(const std::vector<std::vector<int>>& sequences) { course::todo(); }

}  // namespace task
