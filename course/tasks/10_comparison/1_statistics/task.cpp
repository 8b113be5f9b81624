#include "task.h"

#include <stdexcept>

#include "course/lib/check.h"

namespace task {

Summary summarise(const std::vector<double>& results) { course::todo(); }

double accuracy_error(double p, int n) { course::todo(); }

double welch_t(const std::vector<double>& a, const std::vector<double>& b) { course::todo(); }

}  // namespace task
