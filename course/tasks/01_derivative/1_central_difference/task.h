// Task 1.1: the derivative of a function, by trying.
#pragma once

#include <functional>
#include <vector>

namespace task {

// The central difference of f at x: move x by h to both sides.
double central_difference(const std::function<double(double)>& f, double x, double h);

// The same for a function of several numbers: element i is the derivative with respect to x[i],
// the others unchanged. The result has as many elements as x.
std::vector<double> gradient(const std::function<double(const std::vector<double>&)>& f,
                             std::vector<double> x, double h);

}  // namespace task
