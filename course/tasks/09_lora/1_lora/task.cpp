#include "task.h"

#include "course/lib/check.h"

namespace task {

Lora make_lora(int in, int out, int r, double alpha, course::Numbers& numbers) { course::todo(); }

Matrix forward(const Matrix& x, const Matrix& w, const Matrix& bias, const Lora& lora) {
  course::todo();
}

long parameters(int in, int out, int r) { course::todo(); }

}  // namespace task
