// Task 1.2: ops with their local derivatives.
#pragma once

namespace task {

// A value, and how fast it grows with each input. Ops of one input leave `by_b` 0.
struct Result {
  double value = 0;
  double by_a = 0, by_b = 0;
};

Result multiply(double a, double b);  // a b
Result divide(double a, double b);    // a / b
Result sigmoid(double a);             // 1 / (1 + exp(-a))
Result relu(double a);                // a if a > 0, else 0 (and derivative 0 at 0)
// log(exp(a) + exp(b)). Must also be right for large numbers: a = 1000, b = 999 gives 1000.313...
Result log_add_exp(double a, double b);

}  // namespace task
