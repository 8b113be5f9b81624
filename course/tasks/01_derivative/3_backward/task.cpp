#include "task.h"

#include "course/lib/check.h"

namespace task {

std::vector<double> backward(const std::vector<Node>& nodes) { course::todo(); }

}  // namespace task
