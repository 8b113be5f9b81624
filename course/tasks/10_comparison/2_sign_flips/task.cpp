#include "task.h"

#include "course/lib/check.h"

namespace task {

double sign_flip_p(const std::vector<double>& differences) { course::todo(); }

std::vector<double> paired(const std::vector<Run>& a, const std::vector<Run>& b) { course::todo(); }

}  // namespace task
