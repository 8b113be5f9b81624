#include "task.h"

#include "course/lib/check.h"

namespace task {

std::vector<double> Training::save() const { course::todo(); }

void Training::load(const std::vector<double>& saved) { course::todo(); }

}  // namespace task
