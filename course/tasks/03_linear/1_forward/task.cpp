#include "task.h"

#include "course/lib/check.h"

namespace task {

Matrix linear(const Matrix& x, const Matrix& w, const Matrix& b) { course::todo(); }

}  // namespace task
