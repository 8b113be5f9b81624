#include "task.h"

#include "course/lib/check.h"

namespace task {

Gradients linear_backward(const Matrix& dy, const Matrix& x, const Matrix& w) { course::todo(); }

}  // namespace task
