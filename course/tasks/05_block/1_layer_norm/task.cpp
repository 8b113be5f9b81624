#include "task.h"

#include "course/lib/check.h"

namespace task {

Matrix layer_norm(const Matrix& x, const Matrix& w, const Matrix& b, double eps) { course::todo(); }

Gradients layer_norm_backward(const Matrix& dy, const Matrix& x, double eps) { course::todo(); }

}  // namespace task
