#include "task.h"

#include <cmath>

#include "course/lib/check.h"

namespace task {

Result multiply(double a, double b) { course::todo(); }

Result divide(double a, double b) { course::todo(); }

Result sigmoid(double a) { course::todo(); }

Result relu(double a) { course::todo(); }

Result log_add_exp(double a, double b) { course::todo(); }

}  // namespace task
