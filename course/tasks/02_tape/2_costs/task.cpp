#include "task.h"

#include "course/lib/check.h"

namespace task {

Cost cost(const std::vector<Layer>& layers, int n) { course::todo(); }

}  // namespace task
