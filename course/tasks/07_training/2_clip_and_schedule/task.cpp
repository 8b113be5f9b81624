#include "task.h"

#include <stdexcept>

#include "course/lib/check.h"

namespace task {

double clip_scale(const std::vector<std::vector<double>>& gradients, double max) { course::todo(); }

double linear_schedule(int made, int total, int warmup) { course::todo(); }

}  // namespace task
