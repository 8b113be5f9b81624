#include "task.h"

#include "course/lib/check.h"

namespace task {

Matrix softmax(const Matrix& s) { course::todo(); }

std::vector<double> log_sum_exp(const Matrix& s) { course::todo(); }

}  // namespace task
