#include "task.h"

#include "course/lib/check.h"

namespace task {

double central_difference(const std::function<double(double)>& f, double x, double h) {
  course::todo();  // your code takes the place of this line
}

std::vector<double> gradient(const std::function<double(const std::vector<double>&)>& f,
                             std::vector<double> x, double h) {
  course::todo();
}

}  // namespace task
