#include "task.h"

#include "course/lib/check.h"

namespace task {

Forward forward(const Matrix& x, const std::vector<Layer>& layers) { course::todo(); }

void backward(const Matrix& dy, const Forward& kept, std::vector<Layer>& layers) { course::todo(); }

}  // namespace task
