#include "task.h"

#include "course/lib/check.h"

namespace task {

Matrix softmax_backward(const Matrix& p, const Matrix& dp) { course::todo(); }

Gradients attention_backward(const Matrix& d_out, const Matrix& q, const Matrix& k,
                             const Matrix& v) {
  course::todo();
}

}  // namespace task
