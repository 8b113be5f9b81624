#include "task.h"

#include "course/lib/check.h"

namespace task {

void merge_lora(Layer& layer, const Matrix& a, Matrix& b, double scale) { course::todo(); }

void merge_ia3_output(Layer& layer, Matrix& l) { course::todo(); }

void merge_ia3_input(Layer& layer, Matrix& l) { course::todo(); }

}  // namespace task
