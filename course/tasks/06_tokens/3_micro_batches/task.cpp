#include "task.h"

#include "course/lib/check.h"

namespace task {

std::vector<int> cut(const std::vector<int>& lengths, int most) { course::todo(); }

std::vector<double> batch_gradient(
    const std::vector<int>& ends,
    const std::function<std::vector<double>(int begin, int end)>& mean_gradient) {
  course::todo();
}

}  // namespace task
