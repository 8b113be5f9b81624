#include "task.h"

namespace task {

double central_difference(const std::function<double(double)>& f, double x, double h) {
  return (f(x + h) - f(x - h)) / (2 * h);
}

std::vector<double> gradient(const std::function<double(const std::vector<double>&)>& f,
                             std::vector<double> x, double h) {
  std::vector<double> result;
  for (double& element : x) {
    const double before = element;
    element = before + h;
    const double above = f(x);
    element = before - h;
    const double below = f(x);
    element = before;
    result.push_back((above - below) / (2 * h));
  }
  return result;
}

}  // namespace task
