#include "task.h"

#include "course/lib/check.h"

namespace task {

Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v, bool causal) { course::todo(); }

}  // namespace task
